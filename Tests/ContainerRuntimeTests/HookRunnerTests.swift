import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import ContainerRuntime

/// Hooks that really run.
@Suite struct `A hook` {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func hook(
        _ script: String, env: [String] = [], timeout: Int? = nil
    ) -> Configuration.Hook {
        Configuration.Hook(
            path: "/bin/sh", arguments: ["other", "-c", script], environment: env,
            timeout: timeout, origin: .standard)
    }

    /// What the runner says; nil when the hook went well.
    private func failure(_ hook: Configuration.Hook, state: String = "{}") -> String? {
        do {
            try HookRunner.run(
                hook, kind: .createRuntime, index: 1, state: Array(state.utf8))
            return nil
        } catch {
            return error.message
        }
    }

    /// What the hook writes to the file `$0`.
    private func output(_ script: String, env: [String] = []) throws -> String {
        var hook = hook(script, env: env)
        hook.arguments.append(directory["output"])
        #expect(failure(hook) == nil)
        return try directory.text("output")
    }

    @Test func `gets the state on its standard input`() throws {
        #expect(try output("cat > $0") == "{}")
    }

    @Test func `gets a state that is larger than a pipe`() throws {
        let state = String(repeating: "x", count: 3 << 20)
        #expect(failure(hook("cat > \(directory["state"])"), state: state) == nil)
        #expect(try directory.text("state") == state)
    }

    @Test(arguments: ["true", "exec <&-; true", "exec <&-; sleep 0.1", "head -c 1; sleep 0.1"])
    func `need not read it`(_ script: String) throws {
        #expect(failure(hook(script), state: String(repeating: "x", count: 3 << 20)) == nil)
    }

    @Test func `gets the arguments as they are, its name among them`() throws {
        let script = "cat /proc/$$/cmdline > $0"
        let expected = ["other", "-c", script, directory["output"]].map { $0 + "\0" }.joined()
        #expect(try output(script) == expected)
    }

    @Test func `gets its own environment and nothing else`() throws {
        let script = "cat /proc/$$/environ > $0"
        #expect(try output(script, env: ["A=1", "B=", "A=2"]) == "A=1\0B=\0A=2\0")
        #expect(try output(script) == "")
    }

    @Test func `without an environment gets what the caller has for it`() throws {
        let file = directory["output"]
        for (own, expected) in [([], "B=2\0"), (["A=1"], "A=1\0")] as [([String], String)] {
            try HookRunner.run(
                hook("cat /proc/$$/environ > \(file)", env: own), kind: .startContainer, index: 0,
                state: [], environment: ["B=2"])
            #expect(try directory.text("output") == expected)
        }
    }

    @Test func `inherits no descriptor but its streams`() throws {
        let leaked = fcntl(0, F_DUPFD, 50)
        defer { close(leaked) }
        // 3 is the directory that is listed.
        #expect(try output("exec ls /proc/self/fd > $0") == "0\n1\n2\n3\n")
    }

    @Test func `has no signal blocked or ignored`() throws {
        signal(SIGUSR2, SIG_IGN)
        defer { signal(SIGUSR2, SIG_DFL) }
        let said = try onThread {
            _ = try SignalQueue.open([SIGURG])
            return try output("exec grep -E 'Sig(Blk|Ign)' /proc/self/status > $0")
        }
        #expect(said == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n")
    }

    @Test func `leads a process group and has the usual umask`() throws {
        let script = "{ umask; test $(cut -d ' ' -f 5 /proc/$$/stat) = $$ && echo leads; } > $0"
        #expect(try output(script) == "0022\nleads\n")
    }

    @Test func `that fails is told of with what it wrote to its standard error`() {
        #expect(
            failure(hook("echo out; echo oh no >&2; exit 3"))
                == "error running createRuntime hook #1: exit status 3, stderr: oh no")
        #expect(
            failure(hook("false"))
                == "error running createRuntime hook #1: exit status 1, stderr: ")
        #expect(
            failure(hook("kill -9 $$"))
                == "error running createRuntime hook #1: killed by signal 9 (killed), stderr: ")
    }

    @Test func `cannot talk to the terminal through its error`() {
        #expect(
            HookRunner.said(Array("a\u{1b}[31m\r\nb\u{9b}0c\t\u{0}é\n".utf8)) == "a [31m b 0c é")
    }

    @Test func `that talks without end does not fill the memory`() throws {
        let said = try #require(
            failure(hook("yes | head -c 5000000 >&2; yes | head -c 5000000; echo end >&2; exit 1")))
        #expect(said.hasSuffix(" y end"))
        #expect(said.utf8.count < 4200)
    }

    @Test func `that takes too long is killed with all it has started`() throws {
        mkfifo(directory["alive"], 0o600)
        let alive = try HostPath.open(directory["alive"], [.readOnly, .nonBlocking])
        let hook = hook("echo slow >&2; sleep 60 > \(directory["alive"]) & wait", timeout: 1)
        #expect(
            failure(hook)
                == "error running createRuntime hook #1: it took longer than its timeout, 1 s, and"
                + " was killed, stderr: slow")
        // Nobody has it open any more.
        let events = try Poll.wait(
            [(alive.borrowed, .readable)], until: Clock.nanoseconds + 10000 * 1_000_000)
        #expect(!events[0].isDisjoint(with: .closed))
    }

    @Test func `is over when it ends, whoever still has its streams`() throws {
        let start = Clock.nanoseconds
        #expect(failure(hook("sleep 20 & echo $! > \(directory["pid"])", timeout: 10)) == nil)
        #expect(Clock.nanoseconds - start < 5_000_000_000)
        let pid = try #require(Int32(try directory.text("pid").dropLast()))
        kill(pid, SIGKILL)
    }

    @Test func `that cannot be executed is told of`() throws {
        func sentence(_ path: String) -> String? {
            failure(
                Configuration.Hook(
                    path: path, arguments: ["x"], environment: ["PATH=/bin"], origin: .standard))
        }
        let start = "error running createRuntime hook #1: execve "
        #expect(
            sentence("/nonexistent/x")
                == start + "\"/nonexistent/x\": no such file or directory; it, or the interpreter"
                + " that runs it, is not there")
        #expect(sentence("sh")?.contains("no such file or directory") == true, "no PATH")
        let text = try directory.file("text", "#!/bin/sh\n", mode: 0o644)
        #expect(sentence(text)?.contains("permission denied") == true)
        let noProgram = try directory.file("no-program", "hello\n", mode: 0o755)
        #expect(sentence(noProgram)?.contains("neither a program") == true)
    }

    @Test(.enabled(if: geteuid() == 0, "makes namespaces"))
    func `runs in the init process too`() throws {
        let file = directory["pid"]
        let child = try onThread {
            try ChildProcess.spawn([.pid, .mount]) {
                try? SignalQueue.resetAll()
                Credentials.setFileModeMask(0)
                let said = failure(
                    hook("read state; echo \"$state $$ $(umask)\" > \(file)"), state: "{}\n")
                CurrentProcess.exit(said == nil ? 0 : 1)
            }.wait()
        }
        #expect(child == .exited(0))
        #expect(try directory.text("pid") == "{} 2 0022\n")
    }
}
