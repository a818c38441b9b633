import Glibc
import Testing

/// `update`: every option on a container that runs.
struct UpdateTests {
    struct Row: CustomTestStringConvertible, Sendable {
        /// Without the id.
        var words: [String]
        var controller: String
        /// The file that the kernel shows the limit in, and what it says then, for each version of
        /// control groups; nil is whatever it was not before.
        var version1: (file: String, text: String?)
        var version2: (file: String, text: String?)
        var testDescription: String { words.joined(separator: " ") }

        init(
            _ words: String..., controller: String, version1: (String, String?),
            version2: (String, String?)
        ) {
            self.words = words
            self.controller = controller
            self.version1 = version1
            self.version2 = version2
        }
    }

    static let rows = [
        Row(
            "--memory", "64m", controller: "memory",
            version1: ("memory.limit_in_bytes", "67108864"), version2: ("memory.max", "67108864")),
        Row(
            "--memory=67108864", controller: "memory",
            version1: ("memory.limit_in_bytes", "67108864"), version2: ("memory.max", "67108864")),
        Row(
            "--memory-reservation", "32MiB", controller: "memory",
            version1: ("memory.soft_limit_in_bytes", "33554432"),
            version2: ("memory.low", "33554432")),
        Row(
            "--memory", "64m", "--memory-swap", "96m", controller: "memory",
            version1: ("memory.memsw.limit_in_bytes", "100663296"),
            version2: ("memory.swap.max", "33554432")),
        Row(
            "--cpu-share", "512", controller: "cpu", version1: ("cpu.shares", "512"),
            version2: ("cpu.weight", nil)),
        Row(
            "--cpu-shares", "512", controller: "cpu", version1: ("cpu.shares", "512"),
            version2: ("cpu.weight", nil)),
        Row(
            "--cpu-quota", "30000", controller: "cpu", version1: ("cpu.cfs_quota_us", "30000"),
            version2: ("cpu.max", "30000 100000")),
        Row(
            "--cpu-quota", "30000", "--cpu-period", "60000", controller: "cpu",
            version1: ("cpu.cfs_period_us", "60000"), version2: ("cpu.max", "30000 60000")),
        Row(
            "--cpu-quota", "30000", "--cpu-burst", "10000", controller: "cpu",
            version1: ("cpu.cfs_burst_us", "10000"), version2: ("cpu.max.burst", "10000")),
        Row(
            "--cpu-rt-period", "500000", controller: "cpu",
            version1: ("cpu.rt_period_us", "500000"), version2: ("cpu.rt_period_us", nil)),
        Row(
            "--cpu-rt-runtime", "1000", controller: "cpu",
            version1: ("cpu.rt_runtime_us", "1000"), version2: ("cpu.rt_runtime_us", nil)),
        Row(
            "--cpu-idle", "1", controller: "cpu", version1: ("cpu.idle", "1"),
            version2: ("cpu.idle", "1")),
        Row(
            "--cpuset-cpus", "0", controller: "cpuset", version1: ("cpuset.cpus", "0"),
            version2: ("cpuset.cpus", "0")),
        Row(
            "--cpuset-mems", "0", controller: "cpuset", version1: ("cpuset.mems", "0"),
            version2: ("cpuset.mems", "0")),
        Row(
            "--pids-limit", "20", controller: "pids", version1: ("pids.max", "20"),
            version2: ("pids.max", "20")),
        Row(
            "--blkio-weight", "100", controller: "blkio", version1: ("blkio.bfq.weight", "100"),
            version2: ("io.bfq.weight", nil)),
    ]

    /// Where the kernel shows a container's limit.
    private func file(_ row: Row, _ pid: pid_t) throws -> (path: String, text: String?) {
        if let directory = ControlGroups.path(of: pid, row.controller) {
            return (directory + "/" + row.version1.file, row.version1.text)
        }
        let line = try #require(
            Host.read("/proc/\(pid)/cgroup").split(separator: "\n").last { $0.hasPrefix("0::") })
        let mount = try #require(ControlGroups.mounts.first { $0.controllers.isEmpty })
        return (mount.path + line.dropFirst(3) + "/" + row.version2.file, row.version2.text)
    }

    private func value(_ path: String) -> String {
        String(Host.read(path).split(separator: "\n").first ?? "")
    }

    @Test(arguments: rows)
    func `each option is what the kernel shows, or an error names what keeps it`(
        _ row: Row
    ) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let before = value(try file(row, box.pid()).path)
            let outcome = try box.runCommand(["update"] + row.words + [box.id()])
            // It may have got a control group by that which it did not have before.
            let (path, wanted) = try file(row, box.pid())
            if outcome.code == 0 {
                #expect(outcome.error == "")
                if let wanted {
                    #expect(value(path) == wanted)
                } else {
                    #expect(value(path) != before)
                }
            } else {
                // A file that this kernel has not, or a share that the parent does not have.
                #expect(outcome.code == 1)
                #expect(value(path) == before, "\(outcome)")
                let name = path.split(separator: "/").last ?? ""
                let said = outcome.error
                #expect(
                    said.contains(name) || said.contains(row.controller)
                        || said.contains("version 2 has nothing like it"), "\(outcome)")
            }
            #expect(try box.status() == "running")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(arguments: [["--resources", "limits.json"], ["-r", "limits.json"], ["-r", "-"]])
    func `limits come from a file or from standard input`(_ words: [String]) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let row = UpdateTests.rows.first { $0.controller == "pids" }
            let (path, _) = try file(#require(row), box.pid())
            let limits = "{\"pids\": {\"limit\": 33}}"
            try box.write("bundle/limits.json", limits)
            let outcome = try box.runCommand(
                ["update"] + words + ["--pids-limit", "44", box.id()],
                input: words.last == "-" ? limits : "")
            #expect(outcome.code == 0, "\(outcome)")
            #expect(value(path) == "33", "the options beside it say nothing")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `what a limit was stays where no option names it`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let row = try #require(UpdateTests.rows.first { $0.controller == "pids" })
            let (path, _) = try file(row, box.pid())
            try box.succeed("update", "--pids-limit", "20", box.id())
            try box.succeed("update", "--cpu-shares", "200", box.id())
            #expect(value(path) == "20")
            try box.succeed("update", "--pids-limit", "-1", box.id())
            #expect(value(path) == "max")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(arguments: ["--kernel-memory", "--kernel-memory-tcp"])
    func `kernel memory is a warning and no more`(_ option: String) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let outcome = try box.succeed("update", option, "64m", box.id())
            #expect(outcome.error.contains("kernel memory settings are ignored"), "\(outcome)")
            try box.succeed("delete", "--force", box.id())
        }
    }

    static let refusals: [([String], String)] = [
        (["--l3-cache-schema", "L3:0=7f", "ID"], "Intel RDT"),
        (["--mem-bw-schema", "MB:0=20", "ID"], "Intel RDT"),
        (["--memory", "much", "ID"], "invalid value for memory: \"much\""),
        (["--pids-limit", "x", "ID"], "invalid value for pids-limit"),
        (["--cpu-shares", "-5", "ID"], "invalid value for cpu-shares"),
        (["--cpuset-cpus", "9999", "ID"], "cpuset"),
        (["--resources", "/no/such", "ID"], "/no/such"),
        (["--memory", "1m"], "exactly 1 argument"),
        (["--memory", "64m", "nobody"], "container \"nobody\" does not exist"),
    ]

    @Test(arguments: refusals)
    func `what cannot be updated is 1, and the container does not care`(
        _ words: [String], _ sentence: String
    ) throws {
        try Sandbox.use { box in
            try box.createAndStart()
            let line = words.map { $0 == "ID" ? box.id() : $0 }
            let outcome = try box.runCommand(["update"] + line)
            #expect(outcome.code == 1, "\(outcome)")
            #expect(outcome.error.contains(sentence), "\(outcome)")
            #expect(try box.status() == "running")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test func `a container that has ended is not updated`() throws {
        try Sandbox.use { box in
            try box.createAndStart()
            try box.killInit()
            let outcome = try box.command("update", "--memory", "64m", box.id())
            #expect(outcome.code == 1 && outcome.error.contains("container not running"))
            try box.succeed("delete", box.id())
        }
    }
}
