import Glibc
import Testing

/// That nobody in a container sees anything of the host's while `exec` makes a process in it, or a
/// container starts in its pid namespace (CVE-2016-9962, CVE-2024-21626).
struct ExecSafetyTests {
    /// Executes 200 programs while a process of the container looks at every other one's
    /// descriptors, root, working directory, program and environment.
    private func spy(
        _ box: Sandbox, on screen: PseudoTerminal? = nil,
        _ change: (inout Value) -> Void = { _ in }
    ) throws -> Value {
        try watching(box, change) { _ in try execute(box, on: screen) }
    }

    /// Does `body` while a process of the container looks at every other one.
    private func watching(
        _ box: Sandbox, _ change: (inout Value) -> Void, _ body: (Value) throws -> Void
    ) throws -> Value {
        var config = box.config()
        change(&config)
        let run = try box.create(nil, config, arguments: ["/probe", "--spy", "HOSTSECRET"])
        try box.succeed("start", box.id())
        #expect(try run.readLine() == "ready")
        try body(config)
        run.closeInput()
        let findings = try Value(parsing: try run.readToEnd(seconds: 30))
        try box.succeed("delete", "--force", box.id())
        #expect(findings["seen"].integer ?? 0 > 0, "it has seen nobody: \(findings)")
        #expect(findings["stronger"] == 0, "somebody could do more than it: \(findings)")
        return findings
    }

    private func execute(_ box: Sandbox, on screen: PseudoTerminal?) throws {
        for _ in 0..<(screen == nil ? 0 : 100) {
            let run = try Running(
                Host.runtime, ["--root", box.stateRoot, "exec", "--tty", box.id(), "true"],
                environment: ["HOSTSECRET=1"], input: .terminal(screen?.name ?? ""))
            #expect(try run.finish().code == 0)
        }
        for round in 0..<(screen == nil ? 25 : 0) {
            let runs = try (0..<8).map { number in
                try box.launch(
                    ["exec"] + (number % 4 == 3 ? ["--cwd", "/etc"] : []) + [box.id(), "true"],
                    environment: ["HOSTSECRET=1", "PATH=/HOSTSECRET"], leaked: 6)
            }
            for run in runs {
                let outcome = try run.finish()
                #expect(outcome.code == 0, "round \(round): \(outcome)")
            }
        }
    }

    static let forms = ["one-shot", "run", "create"]

    /// The capabilities are those of the worst case. With its mounts the container that is started has
    /// the other one's root: what is seen of another one is the host's.
    @Test(arguments: forms, [true, false])
    func `a start that joins a pid namespace gives it no right`(
        _ form: String, _ joinsMounts: Bool
    ) throws {
        try Sandbox.use { box in
            let others = box.id("other")
            let found = try watching(
                box,
                { $0.grant(["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"]) }
            ) { config in
                var config = config
                let pid = try box.pid()
                if joinsMounts {
                    config["mounts"] = nil
                    config["root"]["path"] = "/"
                    config["vfs"] = nil
                    for name in ["maskedPaths", "readonlyPaths", "devices"] {
                        config["linux"][name] = nil
                    }
                    config.share("mount")
                    config["linux"]["namespaces"].append(
                        ["type": "mount", "path": "/proc/\(pid)/ns/mnt"])
                }
                config.share("pid")
                config["linux"]["namespaces"].append(
                    ["type": "pid", "path": "/proc/\(pid)/ns/pid"])
                try box.prepare(config, arguments: ["true"])
                for round in 0..<40 {
                    let outcome = try start(box, form, others)
                    #expect(outcome.code == 0, "round \(round): \(outcome)")
                }
            }
            #expect(found["seized"].integer ?? 0 > 0, "it could stop nobody: \(found)")
            #expect(found["words"] == 0, "the host's environment was seen")
            #expect(found["written"] == 0, "the runtime's binary could be opened for writing")
            // What it waits at is the host's, and a fifo.
            let foreign = (found["foreign"].array ?? []).filter {
                form != "create" || $0.string?.hasSuffix("/\(others)/exec.fifo") != true
            }
            if joinsMounts { #expect(foreign == [], "\(found)") }
        }
    }

    private func start(_ box: Sandbox, _ form: String, _ name: String) throws -> Outcome {
        let secret = ["HOSTSECRET=1", "PATH=/HOSTSECRET"]
        switch form {
        case "one-shot":
            let run = try Running(
                Host.runtime, [box.bundle + "/config.json"], environment: secret,
                directory: box.bundle, leaked: 6)
            return try run.finish()
        case "run": return try box.runCommand(["run", name], environment: secret, leaked: 6)
        default:
            return try box.withContainer(name) {
                let created = try box.runCommand(["create", name], environment: secret, leaked: 6)
                if created.code != 0 { return created }
                return try box.runCommand(["start", name], environment: secret)
            }
        }
    }

    /// Which a copy does not have: the kernel refuses to make one, or gives it the default.
    @Test(arguments: [("SCHED_DEADLINE", "-101 6\n"), ("SCHED_FIFO", "-8 1\n")])
    func `the policy of scheduling survives the way into a pid namespace`(
        _ policy: String, _ expected: String
    ) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            var config = box.config()
            config.share("pid")
            config["linux"]["namespaces"].append(
                ["type": "pid", "path": "/proc/\(try box.pid())/ns/pid"])
            config["process"]["scheduler"]["policy"] = .string(policy)
            if policy == "SCHED_DEADLINE" {
                for (name, value) in [("runtime", 1), ("deadline", 10), ("period", 10)] {
                    config["process"]["scheduler"][name] = .integer(Int64(value) * 1_000_000)
                }
            } else {
                config["process"]["scheduler"]["priority"] = 7
                config["process"]["scheduler"]["flags"] = ["SCHED_FLAG_RESET_ON_FORK"]
            }
            // Of the shell itself: read is part of it, and makes no process.
            config.run(["sh", "-c", "read line < /proc/self/stat; set -- $line; echo ${18} ${41}"])
            let outcome = try box.run(config)
            #expect(outcome.output == expected, "\(outcome)")
            try box.succeed("delete", "--force", box.id())
        }
    }

    /// The worst case: with it a process looks into any other.
    @Test func `with CAP_SYS_PTRACE nothing of the host's is seen`() throws {
        try Sandbox.use { box in
            let found = try spy(box) {
                $0.grant(["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"])
            }
            #expect(found["looked"].integer ?? 0 > 0, "it could look at nobody: \(found)")
            #expect(found["seized"].integer ?? 0 > 0, "it could stop nobody: \(found)")
            #expect(found["foreign"] == [], "\(found)")
            #expect(found["words"] == 0, "the host's environment was seen")
            #expect(found["written"] == 0, "the runtime's binary could be opened for writing")
        }
    }

    @Test func `nor the caller's terminal, where the program gets one of the container's`() throws {
        try Sandbox.use { box in
            let screen = try PseudoTerminal()
            let found = try spy(box, on: screen) { $0.grant(["CAP_SYS_PTRACE"]) }
            #expect(found["looked"].integer ?? 0 > 0, "it could look at nobody: \(found)")
            #expect(found["foreign"] == [], "\(found)")
            #expect(found["words"] == 0)
        }
    }

    @Test func `without it not even the process is seen before it is the program`() throws {
        try Sandbox.use { box in
            let found = try spy(box)
            #expect(found["foreign"] == [], "\(found)")
            #expect(found["words"] == 0)
            #expect(found["sealed"] == 0, "the runtime could be looked into: it was dumpable")
        }
    }

    @Test func `nor with the capabilities of the host's root but ptrace`() throws {
        try Sandbox.use { box in
            let found = try spy(box) {
                $0.grant(["CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN", "CAP_SETUID", "CAP_KILL"])
                $0["process"]["noNewPrivileges"] = false
            }
            #expect(found["foreign"] == [], "\(found)")
            #expect(found["words"] == 0)
            #expect(found["sealed"] == 0, "the runtime could be looked into: it was dumpable")
        }
    }

    /// The limit counts the processes of its user, and the one that makes it is another.
    @Test func `a limit of one process is enough`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let process = try box.write(
                "process.json",
                #"{"args": ["/bin/sh", "-c", "ulimit -u"], "cwd": "/", "user": {"uid": 54377, "gid": 1},"#
                    + #" "rlimits": [{"type": "RLIMIT_NPROC", "soft": 1, "hard": 1}]}"#)
            let outcome = try box.runCommand(["exec", "--process", process, box.id()])
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.output == "1\n", "\(outcome)")
            try box.succeed("delete", "--force", box.id())
        }
    }

    /// Somebody with CAP_SYS_PTRACE may come in before it is started.
    @Test func `a created container shows neither its caller's environment nor arguments`() throws {
        try Sandbox.use { box in
            try box.makeRoot()
            var config = box.plainConfig()
            config.run(["/bin/sh", "-c", "true"])
            try box.prepare(config)
            try box.withContainer(box.id()) {
                let created = try box.runCommand(
                    ["create", "--bundle", box.bundle, box.id()],
                    environment: ["HOSTSECRET=1", "PATH=/HOSTSECRET"])
                try #require(created.code == 0, "\(created)")
                let state = try Value(parsing: try box.succeed("state", box.id()).output)
                let pid = try #require(state["pid"].integer)
                #expect(!Host.read("/proc/\(pid)/environ").contains("HOSTSECRET"))
                #expect(!Host.read("/proc/\(pid)/cmdline").contains(box.bundle))
            }
        }
    }
}
