"""Batches, sessions and their server."""

from __future__ import annotations

import collections
import os
import queue
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any

from ._channel import Answer, BatchError, Channel, JobError, Process, connect
from ._content import (
    Content,
    File,
    Job,
    Limit,
    Result,
    decode_files,
    encode_content,
    encode_files,
)

#: How many jobs are ahead of their results, unless the caller says.
AHEAD = 256


class _Runner:
    """Runs jobs over a channel."""

    _channel: Channel

    def submit(self, job: Job | Sequence[str]) -> Future[Result]:
        """Sends a job, and waits until it is taken, not until it has ended.

        The future raises `JobError` where the job is wrong, and `BatchError` where the batch ends.
        """
        job = job if isinstance(job, Job) else Job(job)
        return _then(self._channel.send(job.encode()), lambda answer: _result(answer, job.key))

    def run(self, job: Job | Sequence[str]) -> Result:
        """Runs one job to its end."""
        return self.submit(job).result()

    def map(
        self, jobs: Iterable[Job | Sequence[str]], *, ordered: bool = False, ahead: int = AHEAD
    ) -> Iterator[Result]:
        """The results of jobs: in the order in which they end, or in that of the jobs.

        Jobs are read as they are needed, `ahead` before their results at most.
        """
        if ahead < 1:
            raise ValueError("ahead is at least 1")
        return self._in_order(jobs, ahead) if ordered else self._as_ended(jobs, ahead)

    def _as_ended(
        self, jobs: Iterable[Job | Sequence[str]], ahead: int
    ) -> Iterator[Result]:
        ended: queue.SimpleQueue[Future[Result]] = queue.SimpleQueue()
        running = 0
        for job in jobs:
            self.submit(job).add_done_callback(ended.put)
            running += 1
            while running >= ahead or not ended.empty():
                yield ended.get().result()
                running -= 1
        for _ in range(running):
            yield ended.get().result()

    def _in_order(
        self, jobs: Iterable[Job | Sequence[str]], ahead: int
    ) -> Iterator[Result]:
        running: collections.deque[Future[Result]] = collections.deque()
        for job in jobs:
            running.append(self.submit(job))
            while len(running) >= ahead or running and running[0].done():
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def _result(answer: Answer, key: object) -> Result:
    if answer.get("report") is None:
        raise JobError(answer.get("error") or "the batch gave neither a report nor an error")
    return Result.decode(answer, key)


def _then(source: Future[Answer], convert: Any) -> Future[Any]:
    """A future of what `convert` makes of the answer."""
    made: Future[Any] = Future()
    made.set_running_or_notify_cancel()

    def pass_on(done: Future[Answer]) -> None:
        try:
            made.set_result(convert(done.result()))
        except Exception as error:  # noqa: BLE001 - it is the caller's
            made.set_exception(error)

    source.add_done_callback(pass_on)
    return made


class Batch(_Runner):
    """A ``vfs-run batch`` of this program's own.

    Args:
      jobs: How many run at once; by default the number of processors.
      options: Options of ``vfs-run batch``: ``["-m", "256m", "--timeout", "10s"]``.
      binary: The program.
    """

    def __init__(
        self,
        jobs: int | None = None,
        options: Sequence[str] = (),
        binary: str | os.PathLike[str] = "vfs-run",
    ) -> None:
        self._process = Process(_command(binary, jobs, options), pipes=True)
        reader, writer = self._process.process.stdout, self._process.process.stdin
        assert reader is not None and writer is not None
        self._channel = Channel(reader, writer, self._process.explain)

    def close(self) -> None:
        """Waits for the jobs that run, and ends the batch."""
        self._channel.finish()
        self._channel.join()
        self._process.stop()

    def kill(self) -> None:
        """Ends the batch with the jobs that run."""
        self._process.stop()
        self._channel.finish()
        self._channel.join()

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.kill()


class Server:
    """A ``vfs-run batch --listen`` of this program's own.

    Args:
      path: The socket; by default one in a directory of this user's alone.
      jobs, options, binary: As of `Batch`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        jobs: int | None = None,
        options: Sequence[str] = (),
        binary: str | os.PathLike[str] = "vfs-run",
    ) -> None:
        self._folder = None if path is not None else tempfile.mkdtemp(prefix="vfs-run-")
        self.path = os.fspath(path) if path is not None else f"{self._folder}/socket"
        command = _command(binary, jobs, [*options, "--listen", self.path])
        try:
            self._process = Process(command, pipes=False)
            self._wait(patience=30)
        except BaseException:
            self.close()
            raise

    def _wait(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while True:
            try:
                connect(self.path).finish()
                return
            except BatchError:
                if self._process.process.poll() is not None:
                    raise BatchError(self._process.explain()) from None
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.005)

    def connect(self) -> Client:
        """A connection of its own, with sessions of its own."""
        return Client(self.path)

    def close(self) -> None:
        """Ends the server with everything that runs."""
        if process := getattr(self, "_process", None):
            process.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Client(_Runner):
    """A connection to a batch that listens at a socket."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._channel = connect(os.fspath(path))

    def session(
        self,
        name: str | None = None,
        *,
        files: Mapping[str, Content | File] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        limits: Mapping[str, Limit] | None = None,
        layers: Sequence[str] = (),
        base: str | None = None,
    ) -> Session:
        """Makes a sandbox whose files stay from one command to the next."""
        message: dict[str, Any] = {"op": "create"}
        if name is not None:
            message["session"] = name
        if files:
            message["files"] = encode_files(files)
        for key, value in (("env", env), ("limits", limits)):
            if value:
                message[key] = dict(value)
        if layers:
            message["layers"] = list(layers)
        for key, word in (("cwd", cwd), ("base", base)):
            if word is not None:
                message[key] = word
        answer = _checked(self._channel.send(message).result())
        return Session(self._channel, str(answer["session"]))

    def close(self) -> None:
        """Waits for what runs. The sessions of this connection end with it."""
        self._channel.finish()
        self._channel.join()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Session:
    """A sandbox whose files stay from one command to the next; processes do not."""

    def __init__(self, channel: Channel, name: str) -> None:
        self._channel = channel
        self.name = name

    def exec(
        self,
        args: Sequence[str],
        *,
        stdin: Content | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        limits: Mapping[str, Limit] | None = None,
    ) -> Result:
        """Runs a command to its end."""
        if isinstance(args, (str, bytes)):
            raise TypeError("args is a list of words, not one string")
        keys: dict[str, Any] = {"args": list(args)}
        if stdin is not None:
            keys["stdin"] = encode_content(stdin)
        for key, value in (("env", env), ("limits", limits)):
            if value:
                keys[key] = dict(value)
        if cwd is not None:
            keys["cwd"] = cwd
        return _result(self._send("exec", **keys), None)

    def put(self, files: Mapping[str, Content | File]) -> None:
        """Writes files, by their absolute paths."""
        _checked(self._send("put", files=encode_files(files)))

    def get(self, *paths: str) -> dict[str, File | None]:
        """Regular files by their absolute paths; None for a path that is none."""
        return decode_files(_checked(self._send("get", paths=list(paths)))["files"])

    def snapshot(self) -> int:
        """Remembers the files as they are, under a number."""
        return int(_checked(self._send("snapshot"))["snapshot"])

    def undo(self, snapshot: int | None = None) -> int:
        """Takes back what was written since a snapshot, by default the last one.

        Returns: The number of the newest snapshot that is left; 0 for none.
        """
        keys = {} if snapshot is None else {"snapshot": snapshot}
        return int(_checked(self._send("undo", **keys))["snapshot"])

    def close(self) -> None:
        """Removes the sandbox."""
        _checked(self._send("close"))

    def _send(self, operation: str, **keys: Any) -> Answer:
        message = {"op": operation, "session": self.name, **keys}
        return self._channel.send(message).result()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.close()
        except BatchError:
            # It has ended with its connection.
            pass


def _checked(answer: Answer) -> Answer:
    if answer.get("error") is not None:
        raise JobError(answer["error"])
    return answer


def _command(
    binary: str | os.PathLike[str], jobs: int | None, options: Sequence[str]
) -> list[str]:
    slots = [] if jobs is None else ["-j", str(jobs)]
    return [os.fspath(binary), "batch", "--quiet", *slots, *options]
