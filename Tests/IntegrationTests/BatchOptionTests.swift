import Foundation
import Glibc
import Testing

/// Options of `vfs-run batch`, and its line at a terminal.
struct BatchOptionTests {
    @Test func `a job is laid over that of the template`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            let template: Value = [
                "args": ["sh", "-c", "cat /tmp/a /tmp/b -; echo $A $B; pwd; echo x > /tmp/c"],
                "stdin": ["text": "in\n"], "env": ["A": "1", "B": "2"], "cwd": "/tmp",
                "files": ["/tmp/a": ["text": "a\n"], "/tmp/b": ["text": "b\n"]],
                "limits": ["wallTime": "20s", "pids": 9],
            ]
            try box.write("template", template.text)
            let other: Value = [
                "id": "other", "stdin": ["text": "x\n"], "env": ["B": "3"], "cwd": "/",
                "files": ["/tmp/b": ["text": "other\n"]], "limits": ["pids": 7],
            ]
            let program: Value = ["id": "program", "args": ["pwd"]]
            let answers = try box.batch(
                .root, ["-j", "1", "--template", box.path("template")],
                jobs: [["id": "plain"], other, program])
            let plain = answers["plain"]
            #expect(plain?.standardOutput == "a\nb\nin\n1 2\n/tmp\n", "\(answers)")
            #expect(plain?["report"]["pids"]["limit"] == 9, "\(answers)")
            #expect(answers["other"]?.standardOutput == "a\nother\nx\n1 3\n/\n", "\(answers)")
            #expect(answers["other"]?["report"]["pids"]["limit"] == 7, "\(answers)")
            #expect(answers["program"]?.standardOutput == "/tmp\n", "\(answers)")
        }
    }

    @Test(arguments: [
        ("{\"id\":\"1\"}", "the key \"id\" is not known"), ("[]", "not a JSON object"),
        ("{\n\"cwd\" 1}", "line 2, column"), ("{\"cwd\":\"x\"}", "not an absolute path"),
        ("{\"base\":\"/no/such\"}", "/no/such"),
    ])
    func `a wrong template is told before a line is read`(_ text: String, words: String) throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            try box.write("template", text)
            let batch = try box.startBatch(
                .root, ["--template", box.path("template")], input: .open)
            let outcome = try batch.finish()
            #expect(outcome.code == 125 && outcome.error.contains(words), "\(outcome)")
        }
    }

    @Test func `a terminal shows how far the batch is`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            guard let python = Host.find("python3") else { try skip("no python3") }
            let script = """
                import os, subprocess, sys
                near, far = os.openpty()
                batch = subprocess.run(
                    sys.argv[1:], input=b'{"args":["false"]}\\n{"args":["true"]}\\n', stderr=far,
                    stdout=subprocess.PIPE)
                os.close(far)
                said = b""
                try:
                    while more := os.read(near, 65536): said += more
                except OSError: pass
                print(batch.returncode, batch.stdout.count(b"\\n"), ascii(said.decode()))
                """
            let outcome = try Running(
                python, ["-c", script, Host.runtime, "batch", "-j", "1"],
                environment: ["PATH=/usr/bin:/bin", "HOME=\(box.path("states"))"],
                directory: box.work
            ).finish()
            #expect(outcome.output.hasPrefix("0 2 "), "\(outcome)")
            #expect(outcome.output.contains("\\r1 jobs, "), "\(outcome)")
            #expect(outcome.output.contains("/s, 1 failed, "), "\(outcome)")
            #expect(outcome.output.hasSuffix("\\r\\x1b[K'\n"), "\(outcome)")
        }
    }

    /// One that does not answer takes no more lines than it has slots, and what a pipe holds.
    @Test func `a line is read when a slot is free`() throws {
        try Sandbox.use { box in
            try box.prepareWork(.root)
            guard let python = Host.find("python3") else { try skip("no python3") }
            let script = """
                import os, select, subprocess, sys
                batch = subprocess.Popen(
                    sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
                far = batch.stdin.fileno()
                os.write(far, b'{"args":["sleep","1000"]}\\n' * 2)
                line = b'{"args":["true"],"stdin":{"text":"' + b"x" * (1 << 20) + b'"}}\\n'
                os.set_blocking(far, False)
                sent, left = 0, line
                while sent < 200 << 20 and select.select([], [far], [], 1)[1]:
                    count = os.write(far, left)
                    sent += count
                    left = left[count:] or line
                batch.terminate()
                print(batch.wait(), sent >> 20)
                """
            let outcome = try Running(
                python, ["-c", script, Host.runtime, "batch", "--quiet", "-j", "2"],
                environment: ["PATH=/usr/bin:/bin", "HOME=\(box.path("states"))"],
                directory: box.work
            ).finish(seconds: 60)
            let words = outcome.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            #expect(words.count == 2 && words[0] == 128 + Int(SIGTERM), "\(outcome)")
            #expect(words.last ?? .max < 8, "\(outcome)")
        }
    }
}
