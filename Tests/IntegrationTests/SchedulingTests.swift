import Glibc
import JSON
import Testing

/// `process.scheduler`, `process.ioPriority` and `linux.personality`, as the program finds them.
@Suite struct SchedulingTests {
    /// What a shell command in the container prints.
    private func output(
        of command: String, _ change: (inout Value) -> Void
    ) throws -> String {
        try Sandbox.use { box in
            var config = box.config()
            change(&config)
            config.run(["/bin/sh", "-c", command])
            let outcome = try box.run(config)
            #expect(outcome.code == 0, "\(outcome)")
            return outcome.output
        }
    }

    /// Fields of proc(5): 19 nice, 40 real-time priority, 41 policy.
    private static let schedule = "awk '{ print $19, $40, $41 }' /proc/1/stat"

    @Test(arguments: [
        ("SCHED_OTHER", 5, 0, "5 0 0\n"), ("SCHED_OTHER", -5, 0, "-5 0 0\n"),
        ("SCHED_FIFO", 0, 7, "0 7 1\n"), ("SCHED_RR", 0, 9, "0 9 2\n"),
        ("SCHED_BATCH", 3, 0, "3 0 3\n"), ("SCHED_IDLE", 0, 0, "0 0 5\n"),
    ])
    func `the scheduler is as asked`(
        _ policy: String, _ nice: Int64, _ priority: Int64, _ expected: String
    ) throws {
        let found = try output(of: Self.schedule) { config in
            config["process"]["scheduler"]["policy"] = .string(policy)
            config["process"]["scheduler"]["nice"] = .integer(nice)
            config["process"]["scheduler"]["priority"] = .integer(priority)
        }
        #expect(found == expected)
    }

    @Test(arguments: [
        ("IOPRIO_CLASS_BE", 6, "best-effort: prio 6\n"),
        ("IOPRIO_CLASS_RT", 1, "realtime: prio 1\n"), ("IOPRIO_CLASS_IDLE", 0, "idle\n"),
    ])
    func `the I/O priority is as asked`(
        _ kind: String, _ level: Int64, _ expected: String
    ) throws {
        let found = try output(of: "ionice -p 1") { config in
            config["process"]["ioPriority"]["class"] = .string(kind)
            config["process"]["ioPriority"]["priority"] = .integer(level)
        }
        #expect(found == expected)
    }

    @Test func `an I/O priority without a level has the highest`() throws {
        let found = try output(of: "ionice -p 1") { config in
            config["process"]["ioPriority"]["class"] = "IOPRIO_CLASS_BE"
        }
        #expect(found == "best-effort: prio 0\n")
    }

    @Test func `LINUX32 is a machine of 32 bits`() throws {
        let found = try output(of: "uname -m") { config in
            config["linux"]["personality"]["domain"] = "LINUX32"
        }
        #expect(found == "i686\n")
    }

    @Test func `a policy that the kernel does not take says why`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["scheduler"]["policy"] = "SCHED_FIFO"
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("real-time policies need a priority of 1 to 99"))
        }
    }

    // MARK: The runtime process

    private func policy(of pid: pid_t) -> String? {
        Host.read("/proc/\(pid)/stat").split(separator: ")").last?
            .split(separator: " ").dropFirst(38).first.map(String.init)
    }

    @Test func `root's runtime process comes first while it holds a limit of time`() throws {
        guard HostProcess.has(capability: 23) else { return }
        for (options, expected) in [(["--timeout", "60s"], "1"), (["-m", "64m"], "0")] {
            try Sandbox.use { box in
                let run = try box.start(
                    VerdictTests.config(box), options,
                    arguments: ["sh", "-c", "echo ready; read go; \(Self.schedule)"], input: .open)
                #expect(try run.readLine() == "ready")
                while policy(of: run.pid) != expected,
                    !HostProcess.waitForEnd(of: run.pid, milliseconds: 5)
                {}
                #expect(policy(of: run.pid) == expected)
                run.write("go\n")
                // The program does not.
                let outcome = try run.finish()
                #expect(outcome.output.hasSuffix("0 0 0\n"), "\(outcome)")
            }
        }
    }

    /// Else a program would take a processor from all others by what it writes.
    @Test func `the runtime process does not come first while it works`() throws {
        guard HostProcess.has(capability: 23) else { return }
        try Sandbox.use { box in
            let file = try box.write("bundle/config.json", VerdictTests.config(box).prettyText)
            let run = try Running(
                "/bin/sh",
                [
                    "-c", "exec \"$@\" > /dev/null", "sh", Host.runtime, "--timeout", "5s",
                    "--max-output", "9000g", file, "--", "yes",
                ])
            var found: Set<String> = []
            while found.count < 2, !HostProcess.waitForEnd(of: run.pid, milliseconds: 5) {
                if let policy = policy(of: run.pid), HostProcess.initProcess(of: run.pid) != nil {
                    found.insert(policy)
                }
            }
            #expect(found.contains("0"), "\(found)")
            run.send(SIGTERM)
            _ = try run.finish()
        }
    }
}
