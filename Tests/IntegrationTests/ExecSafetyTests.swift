import Glibc
import Testing

/// That nobody in a container sees anything of the host's while `exec` makes a process in it
/// (CVE-2016-9962, CVE-2024-21626).
struct ExecSafetyTests {
    /// Executes 200 programs while a process of the container looks at every other one's
    /// descriptors, root, working directory, program and environment.
    private func spy(
        _ box: Sandbox, on screen: PseudoTerminal? = nil,
        _ change: (inout Value) -> Void = { _ in }
    ) throws -> Value {
        var config = box.config()
        change(&config)
        let run = try box.create(nil, config, arguments: ["/probe", "--spy", "HOSTSECRET"])
        try box.succeed("start", box.id())
        #expect(try run.readLine() == "ready")
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
        run.closeInput()
        let findings = try Value(parsing: try run.readToEnd(seconds: 30))
        try box.succeed("delete", "--force", box.id())
        #expect(findings["seen"].integer ?? 0 > 0, "it has seen nobody: \(findings)")
        #expect(findings["stronger"] == 0, "somebody could do more than it: \(findings)")
        return findings
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
            try box.makeRoot()
            var config = box.plainConfig()
            config["process"]["user"]["uid"] = 54399
            config["process"]["rlimits"] = [["type": "RLIMIT_NPROC", "soft": 2, "hard": 2]]
            config.run(["/probe", "--wait"])
            try box.prepare(config)
            try box.withContainer(box.id()) {
                try box.succeed("run", "--detach", "--bundle", box.bundle, box.id())
                let outcome = try box.runCommand(["exec", box.id(), "/bin/sh", "-c", "ulimit -u"])
                #expect(outcome.code == 0, "\(outcome)")
                #expect(outcome.output == "2\n", "\(outcome)")
            }
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
