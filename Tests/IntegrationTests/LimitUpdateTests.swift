import Glibc
import Testing

/// `update` beyond what the container had: new hierarchies, and what is no limit.
struct `New limits` {
    private func require(_ controllers: String...) throws {
        for name in controllers where !ControlGroups.has(version1: name) {
            try skip("the controller \(name) is not one of version 1 here; make test-vm")
        }
    }

    @Test func `holds in a hierarchy that the config did not need`() throws {
        try require("cpuset", "freezer")
        try Sandbox.use { box in
            let run = try box.createAndStart()
            let pid = try box.pid()
            try box.succeed("update", "--cpuset-cpus", "0", box.id())
            let path = try #require(ControlGroups.path(of: pid, "cpuset"))
            #expect(path.contains(box.id()))
            // Who comes later is in it too.
            let inside = try box.succeed(
                "exec", box.id(), "/bin/grep", "-c", "^Cpus_allowed_list:.0$", "/proc/self/status")
            #expect(inside.output == "1\n", "\(inside)")
            try box.succeed("delete", "--force", box.id())
            #expect(access(path, F_OK) != 0, "\(path) is left")
            _ = try run.finish()
        }
    }

    /// What is removed at the end of `run` is what there is then.
    @Test func `leaves nothing when the container is run to its end`() throws {
        try require("cpuset", "freezer")
        try Sandbox.use { box in
            try box.prepare(box.config(), arguments: ["/probe", "--wait"])
            let run = try box.launch(["run", box.id()], input: .open)
            #expect(try run.readLine() == "ready")
            try box.succeed("update", "--cpuset-cpus", "0", box.id())
            #expect(!ControlGroups.named(box.id()).isEmpty)
            try box.killInit()
            #expect(try run.finish().code == 137)
            #expect(ControlGroups.named(box.id()).isEmpty)
        }
    }

    @Test(arguments: [
        (
            ["--pids-limit", "-7"],
            "invalid value for pids-limit: -7 is not a number of processes; -1 is no limit"
        ),
        (["--blkio-weight", "5"], "invalid value for blkio-weight: 5 is not from 10 to 1000"),
        (["--blkio-weight", "70000"], "invalid value for blkio-weight: 70000 is not"),
        (["--cpu-quota", "-7"], "invalid value for cpu-quota: -7 is not a quota"),
        (
            ["--cpu-period", "5"],
            "invalid value for cpu-period: 5 is not from 1000 to 1000000 microseconds"
        ),
        (["--cpu-idle", "2"], "invalid value for cpu-idle: 2 is neither 0 nor 1"),
        (["--cpu-share", "-1"], "invalid value for cpu-share: -1 is not"),
        (
            ["--cpuset-cpus", "1-x"],
            #"invalid value for cpuset-cpus: "1-x" is not a list of numbers"#
        ),
        (
            ["--memory", "64m", "--memory-swap", "32m"],
            "invalid value for memory-swap: memory+swap limit should be"
        ),
        (["--memory", "5x"], #"invalid value for memory: "5x" is not a size"#),
        (["--cpu-burst", "many"], #"invalid value for cpu-burst: "many" is not a number"#),
        (["--memory", "-5"], #"invalid value for memory: "-5" is not a size"#),
    ])
    func `of a wrong value says which`(_ options: [String], _ words: String) throws {
        try Sandbox.use { box in
            try box.create()
            let outcome = try box.runCommand(["update"] + options + [box.id()])
            #expect(outcome.code == 1 && outcome.error.contains(words), "\(outcome)")
            try box.succeed("delete", "--force", box.id())
        }
    }

    @Test(arguments: [
        (#"{"pids": {"limit": -7}}"#, "standard input:1:20: pids.limit: -7 is not a number"),
        (#"{"cpu": {"idle": 4}}"#, "cpu.idle: 4 is neither 0 nor 1"),
        (#"{"unified": {"cgroup.procs": "1"}}"#, "is the runtime's own to write"),
        (#"{"memory": {"limit": "64m"}}"#, "memory.limit: "), ("[]", "standard input:1:1: "),
        ("{", "standard input:1:2: not JSON"),
    ])
    func `of a wrong document says where`(_ text: String, _ words: String) throws {
        try Sandbox.use { box in
            try box.create()
            let outcome = try box.runCommand(["update", "--resources", "-", box.id()], input: text)
            #expect(outcome.code == 1 && outcome.error.contains(words), "\(outcome)")
            try box.succeed("delete", "--force", box.id())
        }
    }

    /// The kernel that is here has no such file, or the file does not take it.
    @Test(arguments: [
        (["--cpuset-cpus", "4096"], "cpu.cpus: write \"4096\" to "),
        (["--l3-cache-schema", "L3:0=f"], "non-existent Intel RDT configuration"),
    ])
    func `that the kernel does not take is an error`(_ options: [String], _ words: String) throws {
        try require("cpu", "cpuset")
        try Sandbox.use { box in
            try box.create()
            let outcome = try box.runCommand(["update"] + options + [box.id()])
            #expect(outcome.code == 1 && outcome.error.contains(words), "\(outcome)")
            try box.succeed("delete", "--force", box.id())
        }
    }
}
