"""Sandboxes of vfs-run for inspect_ai: ``sandbox="vfs_run"`` in a task.

Each sample has a session: its files stay from one command to the next, and its processes do not. All samples of
a process share one ``vfs-run batch --listen``, which is started by the first.

A configuration is a `VFSRunConfig`, or a YAML or JSON file of one:

    Task(..., sandbox=SandboxEnvironmentSpec("vfs_run", VFSRunConfig(options=["-m", "1g"])))
"""

from __future__ import annotations

import json
import pathlib
import posixpath
import threading
from typing import Any, Literal, overload

import anyio.to_thread
import pydantic
from inspect_ai.util import (
    ExecResult,
    OutputLimitExceededError,
    SandboxEnvironment,
    SandboxEnvironmentConfigType,
    SandboxEnvironmentLimits,
    SandboxUserUnsupportedError,
    sandboxenv,
)

from ._channel import JobError
from ._client import Client, Server, Session
from ._content import Result


class VFSRunConfig(pydantic.BaseModel, frozen=True):
    """What sandboxes are made of."""

    #: Options of ``vfs-run batch``: limits, volumes, network, user.
    options: tuple[str, ...] = ()
    #: How many commands run at once; by default the number of processors.
    jobs: int | None = None
    #: The directory of a sample; it is made.
    directory: str = "/work"
    binary: str = "vfs-run"


class _Pool:
    """The servers of this process, one for each configuration."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[VFSRunConfig, tuple[Server, Client, int]] = {}

    def take(self, config: VFSRunConfig) -> Client:
        with self._lock:
            if config in self._servers:
                server, client, users = self._servers[config]
            else:
                server = Server(
                    jobs=config.jobs,
                    # A command's output comes back whole, up to inspect_ai's own limit.
                    options=[*config.options, "--max-output", "64m"],
                    binary=config.binary,
                )
                client, users = server.connect(), 0
            self._servers[config] = server, client, users + 1
            return client

    def release(self, config: VFSRunConfig) -> None:
        with self._lock:
            server, client, users = self._servers.pop(config)
            if users > 1:
                self._servers[config] = server, client, users - 1
                return
        client.close()
        server.close()


_pool = _Pool()


@sandboxenv(name="vfs_run")
class VFSRunSandboxEnvironment(SandboxEnvironment):
    """A session of vfs-run."""

    def __init__(self, session: Session, config: VFSRunConfig) -> None:
        super().__init__()
        self._session = session
        self._config = config

    @classmethod
    def config_deserialize(cls, config: dict[str, Any]) -> pydantic.BaseModel:
        return VFSRunConfig(**config)

    @classmethod
    def config_files(cls) -> list[str]:
        return ["vfs-run.json"]

    @classmethod
    async def sample_init(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        metadata: dict[str, str],
    ) -> dict[str, SandboxEnvironment]:
        settings = _config(config)

        def make() -> Session:
            client = _pool.take(settings)
            try:
                return client.session(cwd=settings.directory)
            except BaseException:
                _pool.release(settings)
                raise

        session = await anyio.to_thread.run_sync(make)
        return {"default": cls(session, settings)}

    @classmethod
    async def sample_cleanup(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        environments: dict[str, SandboxEnvironment],
        interrupted: bool,
    ) -> None:
        for environment in environments.values():
            sandbox = environment.as_type(VFSRunSandboxEnvironment)

            def end(sandbox: VFSRunSandboxEnvironment = sandbox) -> None:
                try:
                    sandbox._session.close()
                finally:
                    _pool.release(sandbox._config)

            # Also while the sample is being cancelled.
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(end)

    async def exec(
        self,
        cmd: list[str],
        input: str | bytes | None = None,
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        user: str | None = None,
        timeout: int | None = None,
        timeout_retry: bool = True,
        concurrency: bool = True,
    ) -> ExecResult[str]:
        if user is not None:
            raise _unsupported(user)
        result = await anyio.to_thread.run_sync(
            lambda: self._session.exec(
                cmd,
                stdin=input,
                env=env,
                cwd=self._path(cwd or "."),
                limits={} if timeout is None else {"wallTime": timeout},
            )
        )
        return _exec_result(cmd, result)

    async def write_file(self, file: str, contents: str | bytes) -> None:
        path = self._path(file)
        result = await self._probe(path)
        if result == "directory":
            raise IsADirectoryError(f"{file} is a directory")
        if result == "closed":
            raise PermissionError(f"{file} may not be written to")

        def write() -> None:
            if len(contents) <= PIECE // 4:
                return self._session.put({path: contents})
            # put takes files of 16 MiB.
            script = 'mkdir -p "$(dirname "$1")" && cat > "$1"'
            done = self._session.exec(
                ["/bin/sh", "-c", script, "write", path], stdin=contents, cwd="/")
            if not done.ok:
                raise OSError(f"{file}: {done.error or done.stderr.decode(errors='replace')}")
            return None

        try:
            await anyio.to_thread.run_sync(write)
        except JobError as error:
            raise OSError(f"{file}: {error}") from error

    @overload
    async def read_file(self, file: str, text: Literal[True] = True) -> str: ...

    @overload
    async def read_file(self, file: str, text: Literal[False]) -> bytes: ...

    async def read_file(self, file: str, text: bool = True) -> str | bytes:
        path = self._path(file)

        def read() -> bytes:
            data = b""
            while True:
                words = ["/bin/sh", "-c", 'tail -c "+$2" -- "$1" | head -c "$3"', "read", path]
                piece = self._session.exec([*words, str(len(data) + 1), str(PIECE)], cwd="/")
                if not piece.ok:
                    raise OSError(f"{file}: {piece.error or piece.stderr.decode(errors='replace')}")
                data += piece.stdout
                if len(piece.stdout) < PIECE:
                    return data

        kind = await self._probe(path)
        if kind == "directory":
            raise IsADirectoryError(f"{file} is a directory")
        if kind == "unreadable":
            raise PermissionError(f"{file} may not be read")
        if kind == "large":
            raise OutputLimitExceededError(
                limit_str=SandboxEnvironmentLimits.MAX_READ_FILE_SIZE_STR, truncated_output=None)
        if kind not in ("file", "closed"):
            raise FileNotFoundError(f"{file} is not there")
        data = await anyio.to_thread.run_sync(read)
        return data.decode() if text else data

    async def _probe(self, path: str) -> str:
        """What the program's user may do with a path, in a word."""
        result = await anyio.to_thread.run_sync(
            lambda: self._session.exec(
                ["/bin/sh", "-c", _PROBE, "probe", path, str(SandboxEnvironmentLimits.MAX_READ_FILE_SIZE)],
                cwd="/",
            )
        )
        return result.stdout.decode(errors="replace").strip()

    def _path(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._config.directory, path))


#: How much of a file is read at once: an answer has 64 MiB of output at most.
PIECE = 16 << 20

_PROBE = """
if [ -d "$1" ]; then echo directory
elif [ ! -e "$1" ]; then echo missing
elif [ ! -r "$1" ]; then echo unreadable
elif [ "$(wc -c < "$1")" -gt "$2" ]; then echo large
elif [ ! -w "$1" ]; then echo closed
else echo file
fi
"""


def _config(config: SandboxEnvironmentConfigType | None) -> VFSRunConfig:
    if config is None:
        return VFSRunConfig()
    if isinstance(config, VFSRunConfig):
        return config
    if isinstance(config, str):
        return VFSRunConfig(**json.loads(pathlib.Path(config).read_text()))
    raise TypeError(f"a configuration of vfs_run is a VFSRunConfig or a JSON file, not {config!r}")


def _exec_result(cmd: list[str], result: Result) -> ExecResult[str]:
    if result.status == "TO":
        raise TimeoutError(f"{cmd[0]} ran longer than its limit of time")
    if result.status == "OL":
        raise OutputLimitExceededError(
            limit_str=SandboxEnvironmentLimits.MAX_EXEC_OUTPUT_SIZE_STR,
            truncated_output=result.stdout.decode(errors="replace"))
    if result.report.get("reason") == "not executable":
        raise PermissionError(f"{cmd[0]} may not be executed")
    if result.status == "XX":
        raise RuntimeError(result.error or str(result.report.get("error")))
    if result.report.get("reason") == "not found":
        return ExecResult(False, 127, "", f"{cmd[0]}: not found")
    for stream in (result.stdout, result.stderr):
        if len(stream) > SandboxEnvironmentLimits.MAX_EXEC_OUTPUT_SIZE:
            raise OutputLimitExceededError(
                limit_str=SandboxEnvironmentLimits.MAX_EXEC_OUTPUT_SIZE_STR,
                truncated_output=stream.decode(errors="replace"))
    code = result.exit_code if result.exit_code is not None else 128 + (result.signal or 9)
    return ExecResult(
        code == 0, code, result.stdout.decode(errors="replace"),
        result.stderr.decode(errors="replace"))


def _unsupported(user: str) -> Exception:
    return SandboxUserUnsupportedError(
        f"a sandbox of vfs-run has one user, which its options name; {user!r} is another one")
