import Glibc
import Testing

/// The init process ends between its last step and the program, and cannot say why: not to be
/// taken for an end of the program.
struct EarlyEndTests {
    private func config(
        _ box: Sandbox, _ action: String, _ names: [String] = ["execve", "execveat"]
    ) throws -> Value {
        var config = box.config()
        config["linux"]["seccomp"] = [
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [["names": Value(names), "action": .string(action)]],
        ]
        for kind in ["poststart", "poststop"] {
            let path = box.path(kind)
            let hook = try box.write("\(kind)-hook", "#!/bin/sh\n: > \(path)\n", mode: 0o755)
            config["hooks"][kind] = [["path": .string(hook)]]
        }
        return config
    }

    private static let killed = "killed by signal 31 before the program started"

    /// Whether the filter comes last or before the user changes.
    @Test(arguments: [true, false])
    func `killed for execve it is no program that signal 31 ended`(
        _ noNewPrivileges: Bool
    ) throws {
        try Sandbox.use { box in
            var config = try config(box, "SCMP_ACT_KILL_PROCESS")
            config["hooks"] = nil
            config["process"]["noNewPrivileges"] = .bool(noNewPrivileges)
            let outcome = try box.run(config, arguments: ["/bin/true"])
            #expect(outcome.code == 125, "\(outcome)")
            #expect(outcome.error.contains(EarlyEndTests.killed), "\(outcome)")
            #expect(outcome.error.contains("allow execve"), "\(outcome)")
        }
    }

    @Test(arguments: [["run"], ["run", "--detach"]])
    func `run fails by it, with poststop and without poststart`(_ command: [String]) throws {
        try Sandbox.use { box in
            try box.prepare(config(box, "SCMP_ACT_KILL_PROCESS"), arguments: ["/bin/true"])
            let outcome = try box.runCommand(command + [box.id()])
            #expect(outcome.code == 1, "\(outcome)")
            #expect(outcome.error.contains(EarlyEndTests.killed), "\(outcome)")
            #expect(!box.exists("poststart") && box.exists("poststop"))
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `start and exec fail by it, and the container has stopped`() throws {
        try Sandbox.use { box in
            try box.create(nil, config(box, "SCMP_ACT_KILL_PROCESS"))
            let exec = try box.command("exec", box.id(), "/bin/true")
            #expect(exec.code == 255 && exec.error.contains(EarlyEndTests.killed), "\(exec)")
            #expect(try box.status() == "created")
            let start = try box.command("start", box.id())
            #expect(start.code == 1, "\(start)")
            #expect(start.error.contains("killed before the program started"), "\(start)")
            #expect(try box.status() == "stopped")
            #expect(!box.exists("poststart"))
            try box.succeed("delete", box.id())
            #expect(box.exists("poststop"))
        }
    }

    /// The init process says by write(2) that it executes the program; that it has done so the
    /// kernel says. With a name it has more to say behind the filter.
    @Test func `who may not write starts all the same, but with a name`() throws {
        try Sandbox.use { box in
            var config = try config(
                box, "SCMP_ACT_ERRNO", ["write", "writev", "sendmsg", "sendto"])
            config["hooks"] = nil
            #expect(try box.run(config, arguments: ["sh", "-c", "exit 3"]).code == 3)
            try box.prepare(config, arguments: ["sh", "-c", "exit 3"])
            let outcome = try box.command("run", box.id())
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("could not say why"), "\(outcome)")
            #expect(box.containers.isEmpty)
        }
    }

    @Test func `who may neither execute nor write says at least that much`() throws {
        try Sandbox.use { box in
            var config = try config(
                box, "SCMP_ACT_ERRNO", ["execve", "write", "writev", "sendmsg", "sendto"])
            config["hooks"] = nil
            let outcome = try box.run(config, arguments: ["/bin/true"])
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("could not say why"), "\(outcome)")
        }
    }

    @Test(arguments: [SIGSYS, SIGKILL, SIGSEGV, SIGTERM], [true, false])
    func `a program that these signals end is told as itself`(
        _ signal: CInt, _ ownProcesses: Bool
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            if !ownProcesses { config.share("pid") }
            let words = ["sh", "-c", "/probe --kill-self \(signal); exit $?"]
            #expect(try box.run(config, arguments: words).code == 128 + signal)
            if ownProcesses { return }
            let alone = try box.run(config, arguments: ["/probe", "--kill-self", "\(signal)"])
            #expect(alone.code == 128 + signal)
            #expect(alone.error == "")
        }
    }

    @Test func `so is one that ends with the runtime's own code`() throws {
        try Sandbox.use { box in
            let outcome = try box.run(box.config(), arguments: ["sh", "-c", "exit 125"])
            #expect(outcome.code == 125)
            #expect(outcome.error == "")
        }
    }
}
