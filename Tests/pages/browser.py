"""A headless Chromium that is driven over a pipe (Chrome DevTools Protocol): keys are typed, and the page
is asked what it shows."""

import json
import os
import subprocess


class Browser:
    def __init__(self, work, url, width=1100, height=1400):
        here, theirs = os.pipe()
        back, out = os.pipe()

        def place():
            # Chromium reads from 3 and writes to 4.
            first, second = os.dup(here), os.dup(out)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             f"--window-size={width},{height}", f"--user-data-dir={work}/keys",
             "--remote-debugging-pipe", "about:blank"],
            pass_fds=(3, 4, here, out), preexec_fn=place, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(here)
        os.close(out)
        self.output = os.fdopen(theirs, "wb", buffering=0)
        self.input = os.fdopen(back, "rb", buffering=0)
        self.number = 0
        self.bytes = b""
        self.events = []
        self.session = None
        target = self.call("Target.createTarget", url=url)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        while self.value("document.readyState") != "complete":
            pass

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.output.write(json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.bytes:
                piece = self.input.read(65536)
                if not piece:
                    raise SystemExit("chromium has ended")
                self.bytes += piece
            first, self.bytes = self.bytes.split(b"\0", 1)
            answer = json.loads(first)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    KEYS = {"ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35,
            "Tab": 9, "Enter": 13, " ": 32, "j": 74, "k": 75}

    def press(self, key, modifiers=0):
        code = self.KEYS[key]
        text = {"Enter": "\r", " ": " "}.get(key, key if len(key) == 1 else "")
        common = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        if text:
            common["text"] = text
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **common)
        self.call("Input.dispatchKeyEvent", type="keyUp",
                  **{name: value for name, value in common.items() if name != "text"})

    def close(self):
        self.process.kill()
        self.process.wait()
