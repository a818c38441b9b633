"""Lines to a batch, and the answers to them."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import IO, Any, Protocol

Answer = dict[str, Any]


class BatchError(Exception):
    """The batch has ended, or does not answer. A job without a result is to be sent again."""


class JobError(Exception):
    """A line was wrong; the sentence is vfs-run's."""


class Writer(Protocol):
    """Takes lines."""

    def write(self, data: bytes, /) -> object: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


class Channel:
    """A connection to a batch. Any thread may send."""

    def __init__(self, reader: IO[bytes], writer: Writer, explain: Callable[[], str]) -> None:
        self._reader = reader
        self._writer = writer
        self._explain = explain
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._pending: dict[int, Future[Answer]] = {}
        self._count = 0
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._read, name="vfs-run answers", daemon=True)
        self._thread.start()

    def send(self, message: Mapping[str, Any]) -> Future[Answer]:
        """Sends a line. Waits while the batch takes none, since all its slots are busy."""
        future: Future[Answer] = Future()
        future.set_running_or_notify_cancel()
        line = json.dumps(message).encode()
        if len(line) > LONGEST:
            line = json.dumps(_spilled(message, future)).encode()
        with self._sending:
            # By the number of its line an answer is known, also where the line could not be read.
            with self._lock:
                if self._failure is not None:
                    raise BatchError(self._failure)
                self._count += 1
                self._pending[self._count] = future
            try:
                self._writer.write(line + b"\n")
                self._writer.flush()
            except (OSError, ValueError):
                self._fail()
        return future

    def finish(self) -> None:
        """Says that no line follows."""
        with self._sending:
            try:
                self._writer.close()
            except OSError:
                pass

    def join(self) -> None:
        """Waits until every line has its answer."""
        self._thread.join()

    def _read(self) -> None:
        try:
            for line in self._reader:
                answer = json.loads(line)
                with self._lock:
                    future = self._pending.pop(int(answer.get("line") or 0), None)
                if future is not None:
                    future.set_result(answer)
        except (OSError, ValueError):
            pass
        finally:
            self._fail()
            self._reader.close()

    def _fail(self) -> None:
        with self._lock:
            if self._failure is None:
                self._failure = self._explain()
            pending, self._pending = self._pending, {}
            failure = self._failure
        for future in pending.values():
            future.set_exception(BatchError(failure))


#: Longer lines have their contents in files: vfs-run reads 16 MiB.
LONGEST = 4 << 20


def _spilled(message: Mapping[str, Any], future: Future[Answer]) -> dict[str, Any]:
    """The same message, with long contents in files that are there until the answer is."""
    folder = tempfile.mkdtemp(prefix="vfs-run-")
    future.add_done_callback(lambda _: shutil.rmtree(folder, ignore_errors=True))
    count = 0

    def spill(content: Mapping[str, str]) -> dict[str, str]:
        nonlocal count
        data = content.get("text", content.get("base64", ""))
        if len(data) < 65536:
            return dict(content)
        count += 1
        path = f"{folder}/{count}"
        with open(path, "wb") as file:
            file.write(data.encode() if "text" in content else base64.b64decode(data))
        os.chmod(path, 0o644)
        rest = {key: value for key, value in content.items() if key == "mode"}
        return {"file": path, **rest}

    changed = dict(message)
    if "stdin" in changed:
        changed["stdin"] = spill(changed["stdin"])
    if "files" in changed:
        changed["files"] = {path: spill(file) for path, file in changed["files"].items()}
    return changed


def connect(path: str) -> Channel:
    """Connects to the socket of ``vfs-run batch --listen``."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError as error:
        connection.close()
        raise BatchError(f"{path}: {error.strerror}") from error
    return Channel(
        connection.makefile("rb"), _Half(connection), lambda: f"the batch at {path} has closed")


class _Half:
    """The sending half of a connection, as a file."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def write(self, data: bytes, /) -> None:
        self._connection.sendall(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        try:
            self._connection.shutdown(socket.SHUT_WR)
        finally:
            self._connection.close()


class Process:
    """A ``vfs-run batch`` of this program's own."""

    def __init__(self, command: list[str], pipes: bool) -> None:
        self._messages: list[str] = []
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise BatchError(f"{command[0]}: {error.strerror}") from error
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            # The last ones say why it has ended.
            self._messages = [*self._messages[-19:], line.decode(errors="replace").rstrip()]
        self.process.stderr.close()

    def explain(self) -> str:
        """Why it has ended."""
        code = self.process.wait()
        self._thread.join(timeout=5)
        words = "; ".join(self._messages) or "without a message"
        return f"vfs-run batch has ended with {code}: {words}"

    def stop(self, patience: float = 30) -> None:
        """Ends it with all its jobs."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                # Its watchdog ends what it has made.
                self.process.kill()
        self.process.wait()
        self._thread.join(timeout=5)
