import Glibc
import Testing

/// `run` and its options.
struct RunCommandTests {
    @Test func `run passes streams and the exit code on, and leaves nothing`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["sh", "-c", "cat; echo oops >&2; exit 7"])
            let run = try box.launch(["run", box.id()], input: .bytes(Array("in\n".utf8)))
            let outcome = try run.finish()
            #expect(outcome.code == 7)
            #expect(outcome.output == "in\n")
            #expect(outcome.error == "oops\n")
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `a program that a signal ends is 128 and its number`() throws {
        try Sandbox.use { box in
            let outcome = try box.prepareAndRun(["/probe", "--wait"]) { _ in
                #expect(try box.status() == "running")
                try box.succeed("kill", box.id(), "KILL")
            }
            #expect(outcome.code == 128 + SIGKILL)
        }
    }

    @Test func `signals to the runtime reach the program`() throws {
        try Sandbox.use { box in
            let outcome = try box.prepareAndRun(["/probe", "--handle"]) { $0.send(SIGUSR2) }
            #expect(outcome.code == 40 + SIGUSR2)
            #expect(box.containers.isEmpty)
        }
    }

    @Test(arguments: ["--detach", "-d"])
    func `a detached container goes on without the runtime`(_ option: String) throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/probe", "--wait"])
            let run = try box.launch(
                ["run", option, "--pid-file", "pid", box.id()], input: .open)
            #expect(try run.finish().code == 0)
            #expect(try run.readLine() == "ready")
            #expect(try box.status() == "running")
            #expect(try box.read("bundle/pid") == "\(box.pid())")
            let parent = HostProcess.field("PPid", of: try box.pid())
            #expect(parent != Int(run.pid))
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `a detached program that cannot be executed is an error of run`() throws {
        try Sandbox.use { box in
            try box.write("layer/script", "#!/no/interpreter\n", mode: 0o755)
            var config = box.config()
            config["vfs"]["overlay"]["layers"].append(.string(box.path("layer")))
            try box.prepare(config, arguments: ["/script"])
            let outcome = try box.command("run", "--detach", box.id())
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("/no/interpreter"), "\(outcome)")
            #expect(box.containers.isEmpty)
        }
    }

    /// What has lost its parent becomes the runtime's, and is no zombie when it has ended.
    @Test func `run takes note of the end of what it has adopted`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.share("pid")
            try box.prepare(
                config,
                arguments: [
                    "sh", "-c",
                    "for i in 1 2 3; do sh -c 'sh -c \"exit 3\" & echo $!'; done; echo end; read x",
                ])
            let run = try box.launch(["run", box.id()], input: .open)
            let orphans = try (0..<3).map { _ in pid_t(try run.readLine()) ?? 0 }
            #expect(try run.readLine() == "end")
            for orphan in orphans {
                let deadline = Deadline(5)
                while HostProcess.field("PPid", of: orphan) != nil && !deadline.hasPassed {
                    sched_yield()
                }
                #expect(HostProcess.field("PPid", of: orphan) == nil, "it is a zombie")
            }
            run.closeInput()
            #expect(try run.finish().code == 1, "its input was at its end")
        }
    }

    @Test(arguments: ["--config", "-f"])
    func `run takes the options that create takes`(_ option: String) throws {
        try Sandbox.use { box in
            var config = box.config()
            config.run(["/probe", "keyring:"])
            try box.write("other.json", config.prettyText)
            let host = try Facts(Running(Host.probe, ["--only", "keyring:"]).finish())
            let kept = try Facts(
                box.runCommand([
                    "run", option, box.path("other.json"), "--no-pivot", "--no-new-keyring",
                    box.id(),
                ]))
            #expect(kept.found("keyring:") == host.found("keyring:"))
            let own = try Facts(box.runCommand(["run", option, box.path("other.json"), box.id()]))
            #expect(own.found("keyring:") != host.found("keyring:"))
        }
    }

    @Test func `keep leaves the stopped container`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["sh", "-c", "exit 5"])
            #expect(try box.command("run", "--keep", box.id()).code == 5)
            #expect(try box.status() == "stopped")
            #expect(try box.command("run", box.id()).error.contains("already exists"))
            try box.succeed("delete", box.id())
        }
    }

    @Test(arguments: [[], ["--no-subreaper"]] as [[String]])
    func `run adopts what loses its parent, unless told not to`(_ options: [String]) throws {
        try Sandbox.use { box in
            var config = box.config()
            config.share("pid")
            try box.prepare(
                config, arguments: ["sh", "-c", "sh -c 'sleep 1000 & echo $!'; read x"])
            let run = try box.launch(["run"] + options + [box.id()], input: .open)
            let orphan = try #require(pid_t(try run.readLine()))
            // The shell between them ends a moment after it has said the number.
            let first = HostProcess.field("PPid", of: orphan)
            let deadline = Deadline(5)
            var parent = first
            while parent != Int(run.pid) && parent != 1 && !deadline.hasPassed {
                parent = HostProcess.field("PPid", of: orphan)
            }
            #expect((parent == Int(run.pid)) == options.isEmpty)
            kill(orphan, SIGKILL)
            run.closeInput()
            _ = try run.finish()
        }
    }

    /// Without control groups nobody but the runtime, which has adopted them, could end the first;
    /// the second is none of the container's.
    @Test func `what the container leaves behind ends with run, what a hook leaves does not`()
        throws
    {
        try Sandbox.use { box in
            var config = box.config()
            config.share("pid")
            let hook = try box.write(
                "hook",
                "#!/bin/sh\nsetsid sleep 1000 < /dev/null > /dev/null 2>&1 &\necho $! > \(box.path("pid"))\n",
                mode: 0o755)
            config["hooks"]["createRuntime"] = [["path": .string(hook)]]
            try box.prepare(
                config, arguments: ["sh", "-c", "(setsid sleep 1000 &); echo done"])
            let outcome = try box.command(
                "run", box.id(), globals: ["--cgroup-manager", "disabled"])
            #expect(outcome.output == "done\n")
            let daemon = try #require(
                pid_t(box.read("pid").split(separator: "\n").first.map(String.init) ?? ""))
            #expect(kill(daemon, 0) == 0)
            kill(daemon, SIGKILL)
            #expect(HostProcess.concerned(with: box.directory).filter { $0 != daemon } == [])
        }
    }

    @Test func `other commands do not wait for the end of what run accompanies`() throws {
        try Sandbox.use { box in
            let outcome = try box.prepareAndRun(["/probe", "--wait"]) { _ in
                let delete = try box.command("delete", box.id())
                #expect(delete.error.contains("that is not stopped: running"), "\(delete)")
                let start = try box.command("start", box.id())
                #expect(start.error.contains("already running"), "\(start)")
                #expect(try box.succeed("exec", box.id(), "echo", "in").output == "in\n")
                try box.succeed("delete", "--force", box.id())
            }
            #expect(outcome.code == 128 + SIGKILL)
            #expect(outcome.error == "", "it is gone, and that is fine")
        }
    }

    @Test func `when the runtime is killed, the container goes on and can be deleted`() throws {
        try Sandbox.use { box in
            let outcome = try box.prepareAndRun(["/probe", "--wait"]) { $0.send(SIGKILL) }
            #expect(outcome.code == 128 + SIGKILL)
            #expect(try box.status() == "running")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `run fails with 1 where the one-shot form fails with 125`() throws {
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["no-such-program"])
            #expect(try box.command("run", box.id()).code == 1)
            let file = box.bundle + "/config.json"
            #expect(try Running(Host.runtime, [file]).finish().code == 127)
        }
    }

    @Test func `the pidfd socket, the pid file and preserved descriptors work as with create`()
        throws
    {
        try Sandbox.use { box in
            let socket = try ReceivingSocket(box.path("s"))
            try box.prepare(box.config(), arguments: ["/probe"])
            let run = try box.launch(
                [
                    "run", "--pidfd-socket", socket.path, "--pid-file", "pid", "--preserve-fds",
                    "1", box.id(),
                ], leaked: 3)
            let (words, pidfd) = try socket.receive()
            close(pidfd)
            #expect(words == "standard")
            let facts = try Facts(try run.finish())
            #expect(Set(facts["descriptors"].object?.keys ?? [:].keys) == ["0", "1", "2", "3"])
            #expect(pid_t(box.read("bundle/pid")) != nil)
        }
    }

    @Test func `a terminal in the foreground is passed through`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal(rows: 21, columns: 77)
            var config = box.config()
            config["process"]["terminal"] = true
            try box.prepare(config, arguments: ["sh", "-c", "stty size; read x; echo got $x"])
            let run = try Running(
                Host.runtime,
                ["--root", box.stateRoot, "run", "--bundle", box.bundle, box.id()],
                input: .terminal(screen.name))
            try screen.waitFor("21 77")
            screen.type("typed\n")
            try screen.waitFor("got typed")
            #expect(try run.finish().code == 0)
        }
    }

    @Test func `a detached terminal goes to the console socket`() throws {
        try Sandbox.use { box in
            let socket = try ReceivingSocket(box.path("s"))
            var config = box.config()
            config["process"]["terminal"] = true
            try box.prepare(config, arguments: ["sh", "-c", "echo shown; read x"])
            try box.succeed("run", "--detach", "--console-socket", socket.path, box.id())
            let (words, descriptor) = try socket.receive()
            let screen = PseudoTerminal(adopting: descriptor, name: words)
            try screen.waitFor("shown")
            try box.succeed("delete", "--force", box.id())
        }
    }
}
