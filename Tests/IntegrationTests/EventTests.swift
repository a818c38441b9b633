import Glibc
import Testing

/// `events`: what a container uses and what happens to it, told when it happens.
struct `Events of a container` {
    private func require(_ controller: String) throws {
        if !ControlGroups.has(version1: controller) {
            try skip("the controller \(controller) is not one of version 1 here; make test-vm")
        }
    }

    private func config(_ box: Sandbox, _ script: String, memory: Int64 = 33_554_432) -> Value {
        var config = box.config()
        config["linux"]["resources"] = [
            "memory": ["limit": .integer(memory), "swap": .integer(memory)]
        ]
        config.run(["/bin/sh", "-c", script])
        return config
    }

    private func create(_ box: Sandbox, _ config: Value) throws {
        try box.prepare(config)
        let run = try box.launch(["create", box.id()], input: .open)
        let outcome = try run.finish()
        try #require(outcome.code == 0, "\(outcome)")
    }

    /// Starts following; the first figures have come when this returns.
    private func follow(_ box: Sandbox, _ options: String...) throws -> Running {
        let run = try box.launch(["events", "--interval", "0m0.05s"] + options + [box.id()])
        let first = try Value(parsing: try run.readLine())
        try #require(first["type"].string == "stats")
        return run
    }

    /// Reads on up to an event of this type.
    private func wait(_ run: Running, for type: String) throws -> Value {
        while true {
            let event = try Value(parsing: try run.readLine())
            if event["type"].string == type { return event }
        }
    }

    @Test func `are figures once, or every interval to its end`() throws {
        try Sandbox.use { box in
            try create(box, config(box, "read line"))
            let once = try box.succeed("events", "--stats", box.id())
            let event = try Value(parsing: once.output)
            #expect(event["type"].string == "stats" && event["id"].string == box.id())
            for key in ["cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "intel_rdt"] {
                #expect(event["data"][key].object != nil, "\(key) is missing: \(once)")
            }
            #expect(once.output.split(separator: "\n").count == 1)
            let run = try follow(box)
            try box.killInit()
            let outcome = try run.finish()
            #expect(outcome.code == 0 && outcome.error.isEmpty, "\(outcome)")
            let after = try box.command("events", box.id())
            #expect(after.code == 1 && after.error.contains("is not running"), "\(after)")
            try box.succeed("delete", box.id())
        }
    }

    @Test func `tell of a process that is killed for want of memory`() throws {
        try require("memory")
        try Sandbox.use { box in
            try create(
                box,
                config(box, "read line; head -c 100m /dev/zero | tail > /dev/null; sleep 1000"))
            let run = try follow(box)
            try box.succeed("start", box.id())
            let event = try wait(run, for: "oom")
            #expect(event == ["type": "oom", "id": .string(box.id())])
            try box.succeed("delete", "--force", box.id())
            #expect(try run.finish().code == 0)
        }
    }

    @Test func `tell that memory is scarce where that is asked for`() throws {
        try require("memory")
        try Sandbox.use { box in
            try box.makeDirectory("data")
            var config = config(
                box, "head -c 96m /dev/zero > /data/file; rm /data/file; sleep 1000",
                memory: 16_777_216)
            config["mounts"].append(Config.bind(box.path("data"), "/data"))
            try create(box, config)
            let run = try follow(box, "--memory-pressure", "low")
            try box.succeed("start", box.id())
            let event = try wait(run, for: "memory-pressure")
            #expect(event["data"]["level"].string == "low")
            try box.succeed("delete", "--force", box.id())
            #expect(try run.finish().code == 0)
        }
    }

    /// Both leave out what is zero; of a container that sleeps these may be.
    private static let maybeZero: Set = [
        "cpu.throttling", "cpu.throttling.periods", "cpu.throttling.throttledPeriods",
        "cpu.throttling.throttledTime", "memory.cache", "memory.kernelTCP.usage",
        "memory.kernelTCP.max", "memory.swap.max", "blkio.ioServiceBytesRecursive",
        "blkio.ioServicedRecursive",
    ]

    /// Names of members, with those above them.
    private static func names(_ value: Value, _ above: String = "") -> Set<String> {
        var found: Set<String> = []
        for (key, member) in value.object ?? [:] where above != "memory.raw" {
            let name = above.isEmpty ? key : above + "." + key
            found.insert(name)
            found.formUnion(names(member, name))
        }
        return found
    }

    @Test func `have the members that runc's have`() throws {
        try require("memory")
        guard let runc = Host.find("runc") else { try skip("runc is not installed") }
        try Sandbox.use { box in
            try box.makeRoot("bundle/rootfs")
            var config = Config.minimal(root: "rootfs")
            config["ociVersion"] = "1.0.2"
            config["vfs"]["overlay"] = false
            config["linux"]["resources"] = [
                "memory": ["limit": 67_108_864, "swap": 67_108_864], "pids": ["limit": 50],
                "cpu": ["quota": 50_000, "period": 100_000, "cpus": "0"],
            ]
            try create(box, config)
            let ours = try Value(parsing: box.succeed("events", "--stats", box.id()).output)
            try box.succeed("delete", "--force", box.id())
            func theirs(_ arguments: String...) throws -> Outcome {
                try Running(
                    runc, ["--root", box.path("runc")] + arguments,
                    environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], directory: box.bundle
                ).finish()
            }
            defer { _ = try? theirs("delete", "--force", box.id("runc")) }
            let made = try theirs("create", box.id("runc"))
            try #require(made.code == 0, "\(made)")
            let event = try Value(parsing: theirs("events", "--stats", box.id("runc")).output)
            let (mine, other) = (Self.names(ours["data"]), Self.names(event["data"]))
            #expect(other.subtracting(mine).subtracting(Self.maybeZero) == [])
            // The peak is newer than runc 1.1, which reads no controller of version 2 beside version 1.
            let more = mine.subtracting(other).subtracting(Self.maybeZero)
            let inVersion2 =
                ControlGroups.has(version1: "hugetlb")
                ? [] : more.filter { $0.hasPrefix("hugetlb.") }
            #expect(more.subtracting(inVersion2) == ["pids.peak"])
        }
    }

    @Test func `of wrong words are errors`() throws {
        try Sandbox.use { box in
            let level = try box.command("events", "--memory-pressure", "some", "x")
            #expect(level.error.contains("unknown level \"some\"; use low, medium or critical"))
            let interval = try box.command("events", "--interval", "0s", "x")
            #expect(interval.error.contains("must be greater than 0"))
        }
    }
}
