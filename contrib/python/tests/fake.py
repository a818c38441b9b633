"""A batch that keeps sessions in memory: for tests of the client alone."""

from __future__ import annotations

import json
import pathlib
import socketserver
import tempfile
import threading
from typing import Any


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        sessions: dict[str, list[dict[str, Any]]] = {}
        for number, line in enumerate(self.rfile, 1):
            message = json.loads(line)
            answer: dict[str, Any] = {"id": None, "line": number, "error": None}
            try:
                answer |= self.answer(message, sessions)
            except KeyError as error:
                answer["error"] = f"there is no session {error}"
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    def answer(
        self, message: dict[str, Any], sessions: dict[str, list[dict[str, Any]]]
    ) -> dict[str, Any]:
        operation = message.get("op")
        if operation is None:
            if message["args"] == ["end"]:
                raise ConnectionError
            if message["args"] == ["too", "long"]:
                return {"report": None, "error": "the line is too long"}
            return {"report": {"status": "OK"}, "stdout": {"text": " ".join(message["args"])}}
        name = message.get("session", f"s{len(sessions) + 1}")
        if operation == "create":
            sessions[name] = [dict(message.get("files", {}))]
            return {"session": name}
        states = sessions[name]
        if operation == "exec":
            return {"session": name, "report": {"status": "OK"}, "stdout": message.get("stdin")}
        if operation == "put":
            for path, content in message["files"].items():
                if "file" in content:
                    size = pathlib.Path(content.pop("file")).stat().st_size
                    content["text"] = "spilled" if size == 5 << 20 else f"{size} bytes"
                states[-1][path] = content
        elif operation == "get":
            return {"files": {path: states[-1].get(path) for path in message["paths"]}}
        elif operation == "snapshot":
            states.append(dict(states[-1]))
            return {"snapshot": len(states) - 1}
        elif operation == "undo":
            kept = message.get("snapshot", len(states) - 1)
            del states[kept + 1 :]
            states[-1] = dict(states[max(kept - 1, 0)])
            return {"snapshot": kept}
        elif operation == "close":
            del sessions[name]
        return {"session": name}


class FakeBatch:
    """Listens at `path`."""

    def __enter__(self) -> FakeBatch:
        self._folder = tempfile.TemporaryDirectory(prefix="vfs-run-test-")
        self.path = str(pathlib.Path(self._folder.name, "socket"))
        self._server = _Server(self.path, _Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()
