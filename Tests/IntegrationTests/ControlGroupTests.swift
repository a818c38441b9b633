import Glibc
import Testing

/// `linux.resources` and `linux.cgroupsPath`, on the kernel and the hierarchies that are here.
struct ControlGroupTests {
    /// Skips where these controllers are not version 1's, which the paths below are.
    private func require(_ controllers: String...) throws {
        for controller in controllers where !ControlGroups.has(version1: controller) {
            try skip("the controller \(controller) is not one of version 1 here; make test-vm")
        }
    }

    private func config(_ box: Sandbox, _ resources: Value) -> Value {
        var config = box.config()
        config["mounts"].append(Config.mount("/sys/fs/cgroup", "cgroup"))
        config["linux"]["resources"] = resources
        config["linux"]["cgroupsPath"] = .string(box.controlGroup)
        return config
    }

    private func shell(_ script: String) -> [String] { ["/bin/sh", "-c", script] }

    // MARK: Limits hold

    @Test func `who takes more memory than the limit is killed, who takes less is not`() throws {
        try require("memory")
        try Sandbox.use { box in
            let limited = config(box, ["memory": ["limit": 33_554_432, "swap": 33_554_432]])
            let script = "head -c $0 /dev/zero | tail > /dev/null; echo $?"
            let hog = try box.run(limited, arguments: shell(script) + ["100000000"])
            // As a rule the hog alone; the kernel may take the shell too before that is gone.
            let isKilled = hog.output == "137\n" || hog.code == 137 && hog.output.isEmpty
            #expect(isKilled, "\(hog)")
            let modest = try box.run(limited, arguments: shell(script) + ["1000000"])
            #expect(modest.output == "0\n", "\(modest)")
        }
    }

    @Test func `a fork bomb stops at the limit`() throws {
        try require("pids")
        try Sandbox.use { box in
            let outcome = try box.run(
                config(box, ["pids": ["limit": 12]]),
                arguments: shell(
                    "(while :; do sleep 100 & done) 2> /dev/null;"
                        + " read n < /sys/fs/cgroup/pids/pids.current; echo $n"))
            let count = try #require(Int(outcome.output.dropLast()), "\(outcome)")
            #expect((11...12).contains(count), "\(outcome)")
        }
    }

    @Test(arguments: [-1, 0] as [Int64]) func `pids of`(_ limit: Int64) throws {
        try require("pids")
        try Sandbox.use { box in
            let outcome = try box.run(
                config(box, ["pids": ["limit": .integer(limit)]]),
                arguments: shell("read n < /sys/fs/cgroup/pids/pids.max; echo $n; sleep 0; echo on")
            )
            #expect(outcome.output == (limit == -1 ? "max\non\n" : "1\n"), "\(outcome)")
        }
    }

    @Test func `a quota of the processor is kept`() throws {
        try require("cpu", "cpuacct")
        try Sandbox.use { box in
            let outcome = try box.run(
                config(box, ["cpu": ["quota": 20000, "period": 100_000, "shares": 64]]),
                arguments: shell(
                    "timeout 1 sh -c 'while :; do :; done';"
                        + " times | tail -n 1;"
                        + " cat /sys/fs/cgroup/cpu/cpu.shares"))
            let lines = outcome.output.split(separator: "\n").map(String.init)
            try #require(lines.count == 2, "\(outcome)")
            // The time of the shell's children, `0m0.201s 0m0.004s`: a fifth of a second, and what
            // may come on top is the start, and a period.
            let used = lines[0].split(separator: " ").compactMap { time in
                Double(time.drop { $0 != "m" }.dropFirst().dropLast())
            }
            #expect(used.count == 2 && used.reduce(0, +) < 0.45, "\(outcome)")
            #expect(lines[1] == "64")
        }
    }

    @Test func `processors outside the set are not used`() throws {
        try require("cpuset")
        try Sandbox.use { box in
            let outcome = try box.run(
                config(box, ["cpu": ["cpus": "0"]]),
                arguments: shell("grep Cpus_allowed_list: /proc/self/status"))
            #expect(outcome.output == "Cpus_allowed_list:\t0\n", "\(outcome)")
        }
    }

    @Test func `a device is opened only where a rule allows it`() throws {
        try require("devices")
        try Sandbox.use { box in
            let deny: Value = ["allow": false, "access": "rwm"]
            let allow: Value = [
                "allow": true, "type": "c", "major": 1, "minor": 11, "access": "rw",
            ]
            for rules in [[deny], [deny, allow]] as [[Value]] {
                var config = config(box, ["devices": .array(rules)])
                config["linux"]["devices"] = [
                    ["type": "c", "path": "/dev/kmsg", "major": 1, "minor": 11, "fileMode": 438]
                ]
                let attempts = [
                    "open-write:/dev/kmsg", "open-both:/dev/null", "open-both:/dev/zero",
                ]
                let facts = try box.probe(config, attempts)
                #expect(facts.result(attempts[0]) == (rules.count == 1 ? "EPERM" : "ok"))
                #expect(facts.result(attempts[1]) == "ok")
                #expect(facts.result(attempts[2]) == "ok")
            }
        }
    }

    @Test func `devices of another terminal are there too`() throws {
        try require("devices")
        try Sandbox.use { box in
            let config = config(box, ["devices": [["allow": false, "access": "rwm"]]])
            let facts = try box.probe(config, ["open-both:/dev/ptmx", "open-both:/dev/pts/ptmx"])
            #expect(facts.result("open-both:/dev/ptmx") == "ok")
        }
    }

    @Test func `limits that say nothing make no cgroup`() throws {
        try Sandbox.use { box in
            let config = config(
                box,
                [
                    "memory": [:], "cpu": ["shares": 0], "pids": [:], "blockIO": ["weight": 0],
                    "unified": [:], "devices": [],
                ])
            let run = try box.start(config, arguments: ["/probe", "--wait"], input: .open)
            _ = try run.readLine()
            #expect(ControlGroups.named(box.controlGroup).isEmpty)
            run.send(SIGTERM)
            _ = try run.finish()
        }
    }

    // MARK: Places

    @Test func `only the hierarchies that limits need are entered`() throws {
        try require("memory", "pids", "cpu")
        try Sandbox.use { box in
            let config = config(box, ["memory": ["limit": 67_108_864], "pids": ["limit": 100]])
            let run = try box.start(config, arguments: ["/probe", "--wait"], input: .open)
            _ = try run.readLine()
            let container = try #require(HostProcess.initProcess(of: run.pid))
            for controller in ["memory", "pids"] {
                // A relative path begins at the runtime's own cgroup.
                let own = try #require(ControlGroups.path(of: getpid(), controller))
                let base = own.hasSuffix("/") ? own : own + "/"
                #expect(
                    ControlGroups.path(of: container, controller) == base + box.controlGroup)
            }
            #expect(
                ControlGroups.path(of: container, "cpu") == ControlGroups.path(of: getpid(), "cpu"))
            #expect(ControlGroups.named(box.controlGroup).count == 2)
            run.send(SIGTERM)
            _ = try run.finish()
        }
    }

    @Test func `an absolute path begins at the mount point, and all of it goes again`() throws {
        try require("memory")
        try Sandbox.use { box in
            var config = config(box, ["memory": ["limit": 67_108_864]])
            config["linux"]["cgroupsPath"] = .string("/\(box.controlGroup)/a/b")
            config.share("cgroup")
            let facts = try box.probe(config)
            #expect(
                facts["cgroup"].string?.contains(":memory:/\(box.controlGroup)/a/b\n") == true)
        }
    }

    @Test func `a path cannot lead out`() throws {
        try require("memory")
        try Sandbox.use { box in
            var config = config(box, ["memory": ["limit": 67_108_864]])
            config["linux"]["cgroupsPath"] = .string("../../../\(box.controlGroup)")
            let run = try box.start(config, arguments: ["/probe", "--wait"], input: .open)
            _ = try run.readLine()
            let container = try #require(HostProcess.initProcess(of: run.pid))
            let own = try #require(ControlGroups.path(of: getpid(), "memory"))
            #expect(ControlGroups.path(of: container, "memory")?.hasPrefix(own) == true)
            run.send(SIGTERM)
            _ = try run.finish()
        }
    }

    @Test func `without a path a cgroup has a name of its own`() throws {
        try require("memory")
        try Sandbox.use { box in
            var config = config(box, ["memory": ["limit": 67_108_864]])
            config["linux"]["cgroupsPath"] = nil
            let file = try box.write("bundle/config.json", config.prettyText)
            let runs = try (0..<3).map { _ in
                try Running(Host.runtime, [file, "--", "/probe", "--wait"], input: .open)
            }
            var paths: Set<String> = []
            for run in runs {
                _ = try run.readLine()
                let container = try #require(HostProcess.initProcess(of: run.pid))
                paths.insert(try #require(ControlGroups.path(of: container, "memory")))
            }
            #expect(paths.count == 3)
            for run in runs {
                run.send(SIGTERM)
                _ = try run.finish()
            }
            for path in paths { #expect(access(path, F_OK) != 0, "\(path) is left") }
        }
    }

    // MARK: What the container sees

    @Test(arguments: [true, false])
    func `the container is shown its own cgroup`(_ ownNamespace: Bool) throws {
        try require("memory")
        try Sandbox.use { box in
            var config = config(box, ["memory": ["limit": 67_108_864]])
            if !ownNamespace { config.share("cgroup") }
            let facts = try box.probe(
                config,
                [
                    "read:/sys/fs/cgroup/memory/memory.limit_in_bytes",
                    "read:/sys/fs/cgroup/memory/cgroup.procs",
                ])
            #expect(
                facts.found("read:/sys/fs/cgroup/memory/memory.limit_in_bytes") == "67108864\n")
            #expect(facts.found("read:/sys/fs/cgroup/memory/cgroup.procs") == "1\n")
            let line = facts["cgroup"].string?.split(separator: "\n").first {
                $0.contains(":memory:")
            }
            #expect(line?.hasSuffix(":/") == ownNamespace)
            #expect(line?.hasSuffix("/" + box.controlGroup) == !ownNamespace)
            // There its limit holds, and in the others it is in its caller's.
            for mount in facts.mounts where mount.type.hasPrefix("cgroup") {
                #expect(mount.options.contains("ro"), "\(mount)")
            }
        }
    }

    // MARK: Failures

    static let cases = [
        RefusedLimit(
            "a controller that is missing", ["network": ["classID": 1]], ["net_cls", "missing"]),
        RefusedLimit(
            "a controller of the other version", ["unified": ["memory.high": "1"]],
            ["unified.memory.high", "version 1"]),
        RefusedLimit(
            "a processor that is missing", ["cpu": ["cpus": "4000"]],
            ["cpu.cpus", "4000", "does not take"]),
        RefusedLimit(
            "a device that cannot be throttled",
            ["blockIO": ["throttleReadBpsDevice": [["major": 1000, "minor": 0, "rate": 1]]]],
            ["blockIO.throttleReadBpsDevice", "1000:0"]),
        RefusedLimit(
            "a hole in a rule",
            [
                "devices": [
                    ["allow": true, "type": "c", "access": "rwm"],
                    ["allow": false, "type": "c", "major": 1, "minor": 11, "access": "rwm"],
                ]
            ], ["c 1:11", "c *:*"]),
    ]

    @Test(arguments: cases)
    func `a limit that cannot hold is an error, and nothing is left`(_ case: RefusedLimit) throws {
        try require("memory", "cpuset", "blkio", "devices")
        if ControlGroups.has(version1: "net_cls") { try skip("net_cls is mounted here") }
        try Sandbox.use { box in
            var resources = `case`.resources
            resources["pids"] = ["limit": 10]
            let outcome = try box.run(config(box, resources))
            #expect(outcome.code == 125)
            for word in `case`.words { #expect(outcome.error.contains(word), "\(outcome)") }
            #expect(ControlGroups.named(box.controlGroup).isEmpty)
        }
    }

    @Test func `a start that fails later leaves nothing`() throws {
        try require("memory")
        try Sandbox.use { box in
            var config = config(box, ["memory": ["limit": 67_108_864]])
            config["mounts"].append(Config.bind("/nowhere", "/x"))
            let outcome = try box.run(config)
            #expect(outcome.code == 125)
            #expect(ControlGroups.named(box.controlGroup).isEmpty)
        }
    }

    @Test func `a cgroup that somebody is in is refused`() throws {
        try require("memory")
        try Sandbox.use { box in
            let config = config(box, ["memory": ["limit": 67_108_864]])
            let run = try box.start(config, arguments: ["/probe", "--wait"], input: .open)
            _ = try run.readLine()
            let second = try box.start(config).finish()
            #expect(second.code == 125)
            #expect(second.error.contains(box.controlGroup), "\(second)")
            #expect(second.error.contains("taken"), "\(second)")
            run.send(SIGTERM)
            _ = try run.finish()
        }
    }

    /// A cgroup of the freezer's, at the place of the container's.
    private func makeFreezer(_ box: Sandbox) throws -> String {
        let freezer = try #require(
            ControlGroups.mounts.first { $0.controllers.contains("freezer") })
        let path = "\(freezer.path)/\(box.controlGroup)"
        try #require(mkdir(path, 0o755) == 0)
        return path
    }

    @Test func `a cgroup that is there and empty is taken, one that is frozen is not`() throws {
        try require("freezer", "devices")
        try Sandbox.use { box in
            let path = try makeFreezer(box)
            defer { rmdir(path) }
            let member = try Running(Host.probe, ["--wait"], input: .open)
            _ = try member.readLine()
            try write("\(member.pid)", "\(path)/cgroup.procs")
            var config = config(box, ["memory": ["limit": 67_108_864]])
            config["linux"]["cgroupsPath"] = .string("/\(box.controlGroup)")
            // Not the container's hierarchy: nothing to do with it.
            #expect(try box.start(config, arguments: ["/bin/true"]).finish().code == 0)
            member.send(SIGKILL)
            _ = try member.finish()
        }
    }

    @Test func `one that is refused for being frozen stays there, frozen`() throws {
        try require("freezer")
        try Sandbox.use { box in
            let path = try makeFreezer(box)
            defer { rmdir(path) }
            try write("FROZEN", "\(path)/freezer.state")
            var config = box.config()
            config["linux"]["cgroupsPath"] = .string("/\(box.controlGroup)")
            try box.prepare(config, arguments: ["/bin/true"])
            for command in ["run", "create", "run"] {
                let outcome = try box.command(command, box.id())
                #expect(outcome.code == 1, "\(outcome)")
                #expect(outcome.error.contains("unexpectedly frozen"), "\(outcome)")
                #expect(Host.read("\(path)/freezer.state") == "FROZEN\n")
            }
            #expect(ControlGroups.named(box.controlGroup) == [path])
            try write("THAWED", "\(path)/freezer.state")
            #expect(try box.command("run", box.id()).code == 0)
        }
    }

    private func write(_ text: String, _ path: String) throws {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        try #require(file >= 0)
        defer { close(file) }
        try #require(Glibc.write(file, text, text.utf8.count) == text.utf8.count)
    }

    @Test func `cgroups that are mounted read-only are an error that says so`() throws {
        try require("memory")
        try Sandbox.use { box in
            let memory = try #require(
                ControlGroups.mounts.first { $0.controllers.contains("memory") })
            let config = config(box, ["memory": ["limit": 67_108_864]])
            let file = try box.write("bundle/config.json", config.prettyText)
            let script = "mount -o remount,bind,ro \(memory.path) && exec \"$0\" \"$@\""
            let outcome = try Running(
                "/usr/bin/unshare", ["-m", "/bin/sh", "-c", script, Host.runtime, file]
            ).finish()
            #expect(outcome.code == 125)
            #expect(outcome.error.contains("are mounted read-only here"), "\(outcome)")
        }
    }

    @Test func `a cgroup that somebody takes away during a run is an error, and no more`() throws {
        try require("memory", "freezer")
        try Sandbox.use { box in
            try box.create(nil, box.config())
            let pid = try box.pid()
            for path in ControlGroups.named(box.id()) {
                let parent = path.split(separator: "/").dropLast()
                try write("\(pid)", "/" + parent.joined(separator: "/") + "/cgroup.procs")
                try #require(rmdir(path) == 0, "\(path): \(errno)")
            }
            let pause = try box.command("pause", box.id())
            #expect(pause.code == 1 && pause.error.contains("cannot be paused"), "\(pause)")
            let update = try box.command("update", "--memory", "64m", box.id())
            #expect(update.code == 1 && update.error.contains("is missing"), "\(update)")
            #expect(try box.succeed("ps", "-f", "json", box.id()).output == "null\n")
            #expect(try box.status() == "created")
            try box.succeed("delete", "--force", box.id())
            #expect(HostProcess.waitForEnd(of: pid))
        }
    }

    // MARK: Ends

    @Test func `what was made above a container's cgroup goes when it is deleted`() throws {
        try require("memory")
        try Sandbox.use { box in
            var config = config(box, ["memory": ["limit": 67_108_864]])
            config["linux"]["cgroupsPath"] = .string("/\(box.controlGroup)/a/b")
            try box.create(nil, config)
            #expect(!ControlGroups.named(box.controlGroup).isEmpty)
            try box.succeed("delete", "--force", box.id())
            #expect(ControlGroups.named(box.controlGroup).isEmpty)
        }
    }

    @Test(arguments: [true, false])
    func `when the runtime is killed its cgroup goes too`(_ ownProcesses: Bool) throws {
        try require("memory", "pids")
        try Sandbox.use { box in
            var config = config(box, ["memory": ["limit": 67_108_864], "pids": ["limit": 50]])
            if !ownProcesses { config.share("pid") }
            let run = try box.start(config, arguments: ["/probe", "--wait"], input: .open)
            _ = try run.readLine()
            let watchdog = try #require(
                HostProcess.children(of: run.pid).first(where: HostProcess.isWatchdog))
            run.send(SIGKILL)
            _ = try run.finish()
            #expect(HostProcess.waitForEnd(of: watchdog))
            #expect(ControlGroups.named(box.controlGroup).isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `killed at any moment of its start the runtime leaves no cgroup for long`() throws {
        try require("memory", "pids")
        try Sandbox.use { box in
            var config = config(box, ["memory": ["limit": 67_108_864], "pids": ["limit": 50]])
            config["linux"]["cgroupsPath"] = nil
            var pids: [pid_t] = []
            for attempt in 0..<40 {
                let run = try box.start(config, arguments: ["/probe", "--wait"])
                var pause = timespec(tv_sec: 0, tv_nsec: attempt * 150_000)
                nanosleep(&pause, nil)
                run.send(SIGKILL)
                _ = try run.finish()
                pids.append(run.pid)
            }
            // Between the making of the cgroup and that of the watchdog it stays; the next run
            // that has one takes it away.
            let deadline = Deadline(5)
            while !HostProcess.concerned(with: box.directory).isEmpty && !deadline.hasPassed {}
            #expect(try box.start(config, arguments: ["/bin/true"]).finish().code == 0)
            for pid in pids { #expect(ControlGroups.named("vfs-run-\(pid)").isEmpty) }
        }
    }

    @Test func `what a program leaves running goes with its cgroup, without a pid namespace too`()
        throws
    {
        try require("pids")
        try Sandbox.use { box in
            var config = config(box, ["pids": ["limit": 50]])
            config.share("pid")
            let outcome = try box.run(
                config, arguments: shell("sleep 1000 < /dev/null > /dev/null 2>&1 & echo $!"))
            let left = try #require(pid_t(outcome.output.dropLast()), "\(outcome)")
            #expect(HostProcess.waitForEnd(of: left))
        }
    }

    /// What a killed run could not remove: its number may be anybody's by now.
    @Test func `remains of a run that was killed are removed by the next`() throws {
        try require("pids")
        try Sandbox.use { box in
            let own = try #require(ControlGroups.path(of: getpid(), "pids"))
            let remains = (own.hasSuffix("/") ? own : own + "/") + "vfs-run-999999\(getpid())"
            try #require(mkdir(remains, 0o755) == 0)
            defer { rmdir(remains) }
            var config = config(box, ["pids": ["limit": 50]])
            config["linux"]["cgroupsPath"] = nil
            let outcome = try box.run(config, arguments: ["/bin/true"])
            #expect(outcome.code == 0, "\(outcome)")
            #expect(access(remains, F_OK) != 0)
        }
    }
}
