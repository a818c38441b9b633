import Glibc
import Testing

/// The init process has memory of its own: what happens to it happens to nothing else.
struct OwnMemoryTests {
    @Test(arguments: ["one-shot", "run"])
    func `what the start itself writes into a tmpfs counts against the limit`(
        _ form: String
    ) throws {
        guard ControlGroups.has(version1: "memory") else {
            try skip("the memory controller is not one of version 1 here; make test-vm")
        }
        try Sandbox.use { box in
            try box.write("extra/kept/big", String(repeating: "x", count: 94 << 20))
            var config = box.config()
            config["vfs"]["overlay"]["layers"] = Value([
                Host.base, box.path("extra"), box.probeLayer,
            ])
            config["mounts"].append(Config.mount("/kept", "tmpfs", ["tmpcopyup"]))
            config["linux"]["cgroupsPath"] = .string(box.controlGroup)
            config["linux"]["resources"] = ["memory": ["limit": 16_777_216, "swap": 16_777_216]]
            config.run(["/bin/sh", "-c", "echo ran"])
            let outcome: Outcome
            if form == "run" {
                try box.prepare(config)
                outcome = try box.launch(["run", box.id()]).finish()
            } else {
                outcome = try box.run(config)
            }
            #expect(outcome.output == "", "\(outcome)")
            #expect(outcome.code == (form == "run" ? 1 : 137), "\(outcome)")
            #expect(outcome.error.contains("killed the init process before"), "\(outcome)")
        }
    }

    @Test func `an init process that is killed at any moment harms the runtime in nothing`() throws
    {
        // In no other test, since all that it may kill is killed.
        let user = 54_399
        try Sandbox.use { box in
            var config = box.config()
            config["process"]["user"] = [
                "uid": .integer(Int64(user)), "gid": .integer(Int64(user)),
            ]
            // What is put together after the change of user, in memory of many sizes.
            config["process"]["env"] = Value(
                ["PATH=/bin"]
                    + (0..<1500).map { "V\($0)=" + String(repeating: "x", count: $0 * 37 % 900) })
            config.run(["/bin/true"])
            let setpriv = try #require(Host.find("setpriv"))
            let attacker = try Running(
                setpriv,
                [
                    "--reuid=\(user)", "--regid=\(user)", "--clear-groups", "/bin/sh", "-c",
                    "while :; do kill -9 -1; done 2> /dev/null",
                ])
            defer { attacker.send(SIGKILL) }
            for round in 0..<150 {
                let outcome = try box.start(config).finish()
                // Killed before the program, killed after, or not met.
                #expect([0, 125, 128 + SIGKILL].contains(outcome.code), "\(round): \(outcome)")
                let said =
                    outcome.code == 125 ? outcome.error.contains("killed by signal 9 before") : true
                #expect(said && outcome.error.split(separator: "\n").count <= 1, "\(outcome)")
            }
        }
    }

    @Test func `the watchdog, which shares the runtime's, has a stack that ends at a guard page`()
        throws
    {
        try Sandbox.use { box in
            var config = box.config()
            config.run(["/probe", "--wait"])
            let running = try box.start(config, input: .open)
            _ = try running.readLine()
            let watchdog = try #require(
                HostProcess.children(of: running.pid).first(where: HostProcess.isWatchdog))
            let (start, below) = try #require(HostProcess.stack(of: watchdog))
            #expect(below.range.upperBound == start)
            #expect(below.access.hasPrefix("---"), "\(below)")
            running.send(SIGKILL)
            _ = try running.finish()
        }
    }
}

extension HostProcess {
    /// A line of `/proc/PID/maps`.
    struct Mapping {
        let range: Range<UInt64>
        let access: String
    }

    /// Where the memory begins that a sleeping process has its stack in, and what lies below.
    static func stack(of pid: pid_t) -> (start: UInt64, below: Mapping)? {
        // System call, six arguments, stack pointer, program counter; "running" until it sleeps.
        let deadline = Deadline(10)
        var words: [Substring] = []
        while words.count < 2 && !deadline.hasPassed {
            words = Host.read("/proc/\(pid)/syscall").split { $0 == " " || $0 == "\n" }
        }
        guard words.count > 2, let pointer = UInt64(words[words.count - 2].dropFirst(2), radix: 16)
        else { return nil }
        let mappings = Host.read("/proc/\(pid)/maps").split(separator: "\n").compactMap(mapping)
        guard let index = mappings.firstIndex(where: { $0.range.contains(pointer) }), index > 0
        else { return nil }
        return (mappings[index].range.lowerBound, mappings[index - 1])
    }

    private static func mapping(_ line: Substring) -> Mapping? {
        let words = line.split(separator: " ")
        let ends = words[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
        guard ends.count == 2, words.count > 1 else { return nil }
        return Mapping(range: ends[0]..<ends[1], access: String(words[1]))
    }
}
