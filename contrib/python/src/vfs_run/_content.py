"""Jobs and their results, and how they are written as JSON."""

from __future__ import annotations

import base64
import os
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

#: What is in a file or a stream: text, bytes, or a path of this host, which vfs-run opens.
Content = Union[str, bytes, pathlib.Path]

#: Seconds, bytes or a number of processes, or words of the command line: ``"2s"``, ``"256m"``.
Limit = Union[str, int, float]


@dataclass(frozen=True)
class File:
    """A file in a sandbox."""

    content: Content
    #: Permission bits.
    mode: int | None = None

    @property
    def data(self) -> bytes:
        """The bytes; of a path of this host those that are there now."""
        if isinstance(self.content, bytes):
            return self.content
        if isinstance(self.content, str):
            return self.content.encode()
        return self.content.read_bytes()

    @property
    def text(self) -> str:
        """The bytes as UTF-8."""
        return self.data.decode()


def encode_content(content: Content) -> dict[str, str]:
    if isinstance(content, str):
        try:
            content.encode()
        except UnicodeEncodeError:
            # Names of files that are not UTF-8 have surrogates in them.
            return encode_content(os.fsencode(content))
        return {"text": content}
    if isinstance(content, bytes):
        return {"base64": base64.b64encode(content).decode()}
    return {"file": str(content.absolute())}


def decode_content(value: Mapping[str, Any] | None) -> bytes:
    if value is None:
        return b""
    if "base64" in value:
        return base64.b64decode(value["base64"])
    return str(value.get("text", "")).encode()


def encode_files(files: Mapping[str, Content | File]) -> dict[str, dict[str, str]]:
    encoded = {}
    for path, file in files.items():
        content, mode = (file.content, file.mode) if isinstance(file, File) else (file, None)
        encoded[path] = encode_content(content)
        if mode is not None:
            encoded[path]["mode"] = f"{mode:o}"
    return encoded


def decode_files(value: Mapping[str, Any] | None) -> dict[str, File | None]:
    found: dict[str, File | None] = {}
    for path, file in (value or {}).items():
        if file is None:
            found[path] = None
            continue
        mode = file.get("mode")
        found[path] = File(decode_content(file), None if mode is None else int(mode, 8))
    return found


@dataclass(frozen=True)
class Job:
    """A program to be run in a sandbox of its own."""

    args: Sequence[str]
    #: Comes back in the result; any object.
    key: object = None
    stdin: Content | None = None
    #: By their absolute paths in the sandbox.
    files: Mapping[str, Content | File] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    #: wallTime, cpuTime, memory, pids, output, disk
    limits: Mapping[str, Limit] = field(default_factory=dict)
    #: Patterns of files that come back.
    collect: Sequence[str] = ()
    layers: Sequence[str] = ()
    base: str | None = None

    def encode(self) -> dict[str, Any]:
        """The keys of the job's line."""
        if isinstance(self.args, (str, bytes)):
            raise TypeError("args is a list of words, not one string")
        line: dict[str, Any] = {"args": [os.fspath(word) for word in self.args]}
        if self.stdin is not None:
            line["stdin"] = encode_content(self.stdin)
        if self.files:
            line["files"] = encode_files(self.files)
        for key in ("env", "limits"):
            if getattr(self, key):
                line[key] = dict(getattr(self, key))
        for key in ("collect", "layers"):
            if getattr(self, key):
                line[key] = list(getattr(self, key))
        for key in ("cwd", "base"):
            if getattr(self, key) is not None:
                line[key] = getattr(self, key)
        return line


@dataclass(frozen=True)
class Result:
    """How a program came out."""

    #: Of the job.
    key: object
    #: The object that docs/report.md describes; empty where no run came about.
    report: Mapping[str, Any]
    stdout: bytes
    stderr: bytes
    #: The files that were collected.
    files: Mapping[str, File]
    #: A sentence, where the sandbox could not be started or not all files fit.
    error: str | None

    @property
    def status(self) -> str:
        """OK, RE, SG, TO, ML, OL, DL, SV, CF or XX."""
        return str(self.report.get("status", "XX"))

    @property
    def ok(self) -> bool:
        """Whether the program ended with 0 and within its limits."""
        return self.status == "OK"

    @property
    def exit_code(self) -> int | None:
        """None for a program that did not end by itself."""
        code = self.report.get("exit_code")
        return None if code is None else int(code)

    @property
    def signal(self) -> int | None:
        number = self.report.get("signal")
        return None if number is None else int(number)

    @property
    def wall_seconds(self) -> float | None:
        time = self.report.get("wall_ns")
        return None if time is None else int(time) / 1e9

    @staticmethod
    def decode(answer: Mapping[str, Any], key: object) -> Result:
        return Result(
            key=key,
            report=answer.get("report") or {},
            stdout=decode_content(answer.get("stdout")),
            stderr=decode_content(answer.get("stderr")),
            files={
                path: file
                for path, file in decode_files(answer.get("files")).items()
                if file is not None
            },
            error=answer.get("error"),
        )
