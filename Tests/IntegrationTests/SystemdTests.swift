import DBus
import Glibc
import TestSupport
import Testing

/// Control groups that systemd makes: here somebody plays it on a bus of its own, which is asked
/// in its place; `make test-vm` has the real one.
struct `With systemd as the manager` {
    private func use(
        _ behavior: FakeSystemd.Behavior = .makes, _ body: (Sandbox, FakeSystemd) throws -> Void
    ) throws {
        // Those that systemd keeps its units in.
        let hierarchies = ControlGroups.mounts.filter {
            $0.controllers.isEmpty || $0.controllers.contains("name=systemd")
        }
        try Sandbox.use { box in
            let systemd = try FakeSystemd(
                in: box.directory, hierarchies: hierarchies.map(\.path), behavior)
            defer { systemd.stop() }
            box.mayStay.insert(box.id())
            // Before the units go.
            defer {
                box.removeContainers(environment: ["DBUS_SYSTEM_BUS_ADDRESS=" + systemd.address])
            }
            try body(box, systemd)
        }
    }

    private func config(_ box: Sandbox, _ resources: Value = [:]) -> Value {
        var config = box.config()
        config["linux"]["resources"] = resources
        config["linux"]["cgroupsPath"] = .string("\(slice(box)):box:x")
        return config
    }

    private func slice(_ box: Sandbox) -> String { box.controlGroup + ".slice" }

    private func run(
        _ box: Sandbox, _ systemd: FakeSystemd, _ words: String...
    ) throws -> Outcome {
        try box.runCommand(
            words, environment: ["DBUS_SYSTEM_BUS_ADDRESS=" + systemd.address])
    }

    @Test func `a container's cgroup is a scope with its limits`() throws {
        try use { box, systemd in
            var config = config(
                box,
                [
                    "memory": ["limit": 67_108_864], "pids": ["limit": 50],
                    "devices": [["allow": false, "access": "rwm"]],
                ])
            config["annotations"] = [
                "org.systemd.property.CollectMode": "'inactive-or-failed'",
                "org.systemd.property.TimeoutStopSec": "uint64 3", "org.example": "else",
            ]
            try box.prepare(config, arguments: ["/probe", "--wait"])
            let create = try box.launch(
                ["--systemd-cgroup", "create", box.id()], input: .open,
                environment: ["DBUS_SYSTEM_BUS_ADDRESS=" + systemd.address])
            let created = try create.finish()
            try #require(created.code == 0, "\(created)")
            #expect(systemd.unitNames == ["box-x.scope"])
            let start = try #require(systemd.calls.first { $0.member == "StartTransientUnit" })
            #expect(start.body[0] == .string("box-x.scope") && start.body[1] == .string("replace"))
            let properties = start.properties
            #expect(properties["Slice"] == .string(slice(box)))
            #expect(properties["Delegate"] == .bool(true))
            #expect(properties["DefaultDependencies"] == .bool(false))
            #expect(properties["TasksMax"] == .uint64(50))
            #expect(properties["CollectMode"] == .string("inactive-or-failed"))
            #expect(properties["TimeoutStopUSec"] == .uint64(3_000_000))
            #expect(properties["DevicePolicy"] == .string("strict"))
            let isVersion1 = ControlGroups.has(version1: "memory")
            #expect(properties[isVersion1 ? "MemoryLimit" : "MemoryMax"] == .uint64(67_108_864))
            #expect(properties["else"] == nil)

            // Its first process is alone in there, and in the hierarchies of the limits too.
            let pid = try box.pid()
            for mount in ControlGroups.mounts {
                let directory = "\(mount.path)/\(slice(box))/box-x.scope"
                guard access(directory, F_OK) == 0 else { continue }
                #expect(Host.read(directory + "/cgroup.procs") == "\(pid)\n", "\(directory)")
            }
            if let path = ControlGroups.path(of: pid, "pids") {
                #expect(path.hasSuffix("/\(slice(box))/box-x.scope"))
                // Without the place of the process that the scope was made around.
                #expect(Host.read(path + "/pids.max") == "50\n")
            }
            #expect(try run(box, systemd, "delete", "--force", box.id()).code == 0)
            #expect(systemd.unitNames.isEmpty)
            #expect(systemd.calls.contains { $0.member == "ResetFailedUnit" })
            #expect(ControlGroups.named(box.controlGroup).isEmpty)
        }
    }

    @Test func `a container of one process has it`() throws {
        try use { box, systemd in
            try box.prepare(config(box, ["pids": ["limit": 1]]), arguments: ["/bin/echo", "here"])
            let outcome = try run(box, systemd, "--cgroup-manager=systemd", "run", box.id())
            #expect(outcome.code == 0 && outcome.output == "here\n", "\(outcome)")
            #expect(systemd.unitNames.isEmpty)
        }
    }

    @Test func `the one-shot form has a unit too`() throws {
        try use { box, systemd in
            var config = config(box, ["pids": ["limit": 10]])
            config.run(["/bin/echo", "here"])
            let file = try box.write("bundle/config.json", config.prettyText)
            let outcome = try box.runCommand(
                ["--systemd-cgroup", file],
                environment: ["DBUS_SYSTEM_BUS_ADDRESS=" + systemd.address])
            #expect(outcome.code == 0 && outcome.output == "here\n", "\(outcome)")
            #expect(systemd.calls.contains { $0.member == "StopUnit" })
        }
    }

    @Test func `update tells systemd, and writes what it has told`() throws {
        try use { box, systemd in
            try box.prepare(
                config(box, ["pids": ["limit": 50]]), arguments: ["/probe", "--wait"])
            let environment = ["DBUS_SYSTEM_BUS_ADDRESS=" + systemd.address]
            let run = try box.launch(
                ["--systemd-cgroup", "create", box.id()], input: .open, environment: environment)
            try #require(try run.finish().code == 0)
            let pid = try box.pid()
            let updated = try self.run(box, systemd, "update", "--pids-limit", "40", box.id())
            #expect(updated.code == 0, "\(updated)")
            let call = try #require(systemd.calls.last { $0.member == "SetUnitProperties" })
            #expect(call.body[0] == .string("box-x.scope") && call.body[1] == .bool(true))
            #expect(call.properties == ["TasksMax": .uint64(40)])
            if let path = ControlGroups.path(of: pid, "pids") {
                #expect(Host.read(path + "/pids.max") == "40\n")
            }
        }
    }

    // MARK: Failures

    private func failure(_ behavior: FakeSystemd.Behavior, _ path: String? = nil) throws -> String {
        var words = ""
        try use(behavior) { box, systemd in
            var config = config(box, ["pids": ["limit": 50]])
            if let path { config["linux"]["cgroupsPath"] = .string(path) }
            try box.prepare(config, arguments: ["/bin/true"])
            let outcome = try run(box, systemd, "--systemd-cgroup", "run", box.id())
            #expect(outcome.code == 1)
            #expect(box.containers.isEmpty)
            #expect(ControlGroups.named(box.controlGroup).isEmpty)
            words = outcome.error
        }
        return words
    }

    @Test func `a job that fails is an error, and nothing is left`() throws {
        let words = try failure(.ends("failed"))
        #expect(words.contains("\"box-x.scope\": its job ended as \"failed\""), "\(words)")
    }

    @Test func `what systemd refuses is told in its words`() throws {
        let words = try failure(.refuses("org.freedesktop.DBus.Error.AccessDenied"))
        #expect(
            words.contains("as the test wants it (org.freedesktop.DBus.Error.AccessDenied)"),
            "\(words)")
    }

    @Test func `a unit that is taken is an error, one that has failed makes way`() throws {
        let taken = "org.freedesktop.systemd1.UnitExists"
        let words = try failure(.refuses(taken))
        #expect(words.contains("name another in linux.cgroupsPath"), "\(words)")
        try use(.refusesOnce(taken)) { box, systemd in
            try box.prepare(config(box), arguments: ["/bin/true"])
            let outcome = try run(box, systemd, "--systemd-cgroup", "run", box.id())
            #expect(outcome.code == 0, "\(outcome)")
            #expect(systemd.calls.filter { $0.member == "StartTransientUnit" }.count == 2)
        }
    }

    @Test func `systemd that goes away is an error`() throws {
        #expect(try failure(.hangsUp).contains("the connection was closed"))
    }

    @Test func `a path of the file system is an error with its place`() throws {
        let words = try failure(.makes, "/a/b")
        #expect(
            words.contains("expected cgroupsPath to be of format \"slice:prefix:name\""), "\(words)"
        )
        #expect(words.contains("config.json:"), "\(words)")
    }

    @Test func `an annotation that is no value is an error with its place`() throws {
        try use { box, systemd in
            var config = config(box)
            config["annotations"] = ["org.systemd.property.CollectMode": "inactive"]
            try box.prepare(config, arguments: ["/bin/true"])
            let outcome = try run(box, systemd, "--systemd-cgroup", "run", box.id())
            #expect(outcome.error.contains("write text in quotes"), "\(outcome)")
            #expect(outcome.error.contains("CollectMode"), "\(outcome)")
        }
    }

    @Test func `without systemd the error says where it was looked for`() throws {
        try Sandbox.use { box in
            try box.prepare(config(box), arguments: ["/bin/true"])
            let outcome = try box.runCommand(
                ["--systemd-cgroup", "run", box.id()],
                environment: ["DBUS_SYSTEM_BUS_ADDRESS=unix:path=\(box.directory)/none"])
            #expect(outcome.code == 1)
            #expect(
                outcome.error.contains(
                    "systemd cannot be reached: connect \"\(box.directory)/none\": no such file"),
                "\(outcome)")
        }
    }

    // MARK: Ends

    @Test func `a runtime that is killed leaves no process in the scope`() throws {
        try use(.ignores) { box, systemd in
            try box.prepare(config(box), arguments: ["/bin/true"])
            let run = try box.launch(
                ["--systemd-cgroup", "create", box.id()], input: .open,
                environment: ["DBUS_SYSTEM_BUS_ADDRESS=" + systemd.address])
            let deadline = Deadline(10)
            while !systemd.calls.contains(where: { $0.member == "StartTransientUnit" }) {
                try #require(!deadline.hasPassed)
            }
            let anchors = HostProcess.children(of: run.pid)
            run.send(SIGKILL)
            _ = try run.finish()
            for pid in anchors { #expect(HostProcess.waitForEnd(of: pid)) }
            #expect(try self.run(box, systemd, "delete", "--force", box.id()).code == 0)
        }
    }

    @Test func `a container whose systemd is gone can be deleted all the same`() throws {
        try use { box, systemd in
            try box.prepare(config(box), arguments: ["/probe", "--wait"])
            let run = try box.launch(
                ["--systemd-cgroup", "create", box.id()], input: .open,
                environment: ["DBUS_SYSTEM_BUS_ADDRESS=" + systemd.address])
            try #require(try run.finish().code == 0)
            let deleted = try box.runCommand(
                ["delete", "--force", box.id()],
                environment: ["DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere"])
            #expect(deleted.code == 0, "\(deleted)")
            for path in ControlGroups.named("box-x.scope") { #expect(!path.contains(slice(box))) }
        }
    }
}
