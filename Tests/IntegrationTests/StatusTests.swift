import Glibc
import Testing

/// That what is told of a container is so, whoever has died and whatever has been written over.
struct StatusTests {
    /// Changes what is written down of a container.
    private func change(_ box: Sandbox, _ body: (inout Value) -> Void) throws {
        let name = "containers/\(box.id())/state.json"
        var state = try Value(parsing: box.read(name))
        body(&state)
        try box.write(name, state.text)
    }

    @Test(arguments: ["created", "running"])
    func `an init process that is killed is a stopped container`(_ status: String) throws {
        try Sandbox.use { box in
            if status == "created" { try box.create() } else { try box.createAndStart() }
            try box.killInit()
            #expect(try box.status() == "stopped")
            #expect(try box.state()["pid"] == 0)
            try box.succeed("delete", box.id())
        }
    }

    @Test func `an init process that has ended and is waited for by nobody has stopped`() throws {
        try Sandbox.use { box in
            // Its parent is a shell that does not wait.
            try box.prepare(box.config(), arguments: ["/probe", "--wait"])
            let script =
                "\(Host.runtime) --root \(box.stateRoot) run --bundle \(box.bundle)"
                + " --pid-file \(box.path("pid")) \(box.id()) > \(box.path("log")) & read x"
            let shell = try Running("/bin/sh", ["-c", script], input: .open)
            let deadline = Deadline(10)
            while !box.read("log").contains("ready") && !deadline.hasPassed { sched_yield() }
            let runtime = try #require(
                HostProcess.children(of: shell.pid).first, "\(box.read("log"))")
            kill(runtime, SIGSTOP)
            let pid = try box.pid()
            kill(pid, SIGKILL)
            while HostProcess.state(of: pid) != "Z" && !deadline.hasPassed { sched_yield() }
            #expect(HostProcess.state(of: pid) == "Z")
            #expect(try box.status() == "stopped")
            #expect(try box.command("kill", box.id()).error.contains("container not running"))
            kill(runtime, SIGCONT)
            #expect(HostProcess.waitForEnd(of: runtime))
            shell.closeInput()
            _ = try shell.finish()
        }
    }

    @Test func `a pid that somebody else has got is a stopped container, and is not touched`()
        throws
    {
        try Sandbox.use { box in
            try box.createAndStart()
            try box.killInit()
            let other = try Running(Host.probe, ["--wait"], input: .open)
            #expect(try other.readLine() == "ready")
            try change(box) { state in
                state["process"] = [.integer(Int64(other.pid)), 1]
                state["creator"] = [.integer(Int64(other.pid)), 1]
            }
            #expect(try box.status() == "stopped")
            #expect(try box.state()["pid"] == 0)
            for words in [["kill", box.id(), "KILL"], ["start", box.id()]] {
                #expect(try box.launch(words).finish().code == 1)
            }
            #expect(
                try box.command("exec", box.id(), "true").error.contains(
                    "cannot exec in a stopped container"))
            try box.succeed("delete", "--force", box.id())
            #expect(HostProcess.state(of: other.pid) == "S", "somebody else's process is hit")
            other.send(SIGKILL)
            _ = try other.finish()
        }
    }

    @Test func `after a restart of the machine nothing runs, whoever has the pid`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            try box.killInit()
            let other = try Running(Host.probe, ["--wait"], input: .open)
            #expect(try other.readLine() == "ready")
            let fields = Host.read("/proc/\(other.pid)/stat").split(separator: ")").last?
                .split(separator: " ")
            let start = try #require(fields.flatMap { Int64($0[19]) })
            try change(box) { state in
                state["process"] = [.integer(Int64(other.pid)), .integer(start)]
                state["creator"] = [.integer(Int64(other.pid)), .integer(start)]
            }
            // That the numbers are right: in this run of the machine it is the container's.
            #expect(try box.status() == "running")
            try change(box) { $0["boot"] = "00000000-0000-0000-0000-000000000000" }
            #expect(try box.status() == "stopped")
            #expect(try box.command("kill", box.id(), "KILL").code == 1)
            try box.succeed("delete", "--force", box.id())
            #expect(HostProcess.state(of: other.pid) == "S", "somebody else's process is hit")
            other.send(SIGKILL)
            _ = try other.finish()
        }
    }

    @Test(arguments: ["", "{", "[]", "null", "{\"id\": 1}", "\u{0}\u{1}"])
    func `a damaged state is an error, and delete by force removes it`(_ text: String) throws {
        try Sandbox.use { box in
            try box.create()
            let pid = try box.pid()
            try box.write("containers/\(box.id())/state.json", text)
            for command in ["state", "start", "kill", "delete"] {
                let outcome = try box.command(command, box.id())
                #expect(outcome.code == 1)
                #expect(outcome.error.contains("is damaged"), "\(outcome)")
            }
            try box.succeed("delete", "--force", box.id())
            #expect(box.containers.isEmpty)
            // Its processes and its cgroups too.
            #expect(HostProcess.waitForEnd(of: pid))
            #expect(ControlGroups.named(box.controlGroup).isEmpty)
        }
    }

    @Test func `a directory without a state is no container, and delete removes it`() throws {
        try Sandbox.use { box in
            try box.makeDirectory("containers/\(box.id())")
            let outcome = try box.command("state", box.id())
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("does not exist"), "\(outcome)")
            #expect(try box.command("delete", box.id()).error.contains("does not exist"))
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `while it is created its state is creating`() throws {
        try Sandbox.use { box in
            var config = box.config()
            let script = try box.write(
                "hook", "#!/bin/sh\nread line < \(box.path("gate"))\n", mode: 0o755)
            mkfifo(box.path("gate"), 0o600)
            config["hooks"]["createRuntime"] = [["path": .string(script)]]
            try box.prepare(config, arguments: ["/probe", "--wait"])
            let run = try box.launch(["create", box.id()])
            // Opens when the hook reads.
            let deadline = Deadline(10)
            var gate: CInt = -1
            while gate < 0 && !deadline.hasPassed {
                gate = open(box.path("gate"), O_WRONLY | O_CLOEXEC | O_NONBLOCK)
                sched_yield()
            }
            try #require(gate >= 0)
            #expect(try box.status() == "creating")
            #expect(try box.command("kill", box.id()).error.contains("container not running"))
            #expect(
                try box.command("exec", box.id(), "true").error.contains("is being created"))
            _ = Glibc.write(gate, "x\n", 2)
            close(gate)
            #expect(try run.finish().code == 0)
            #expect(try box.status() == "created")
            try box.succeed("delete", box.id())
        }
    }
}

extension HostProcess {
    /// The letter of proc(5).
    static func state(of pid: pid_t) -> String {
        for line in Host.read("/proc/\(pid)/status").split(separator: "\n")
        where line.hasPrefix("State:\t") {
            return String(line.dropFirst(7).prefix(1))
        }
        return ""
    }
}
