import Glibc
import Testing

/// A container's place in each hierarchy of cgroups, and what it sees of them.
struct HierarchyTests {
    @Test func `a container has a cgroup of its own in every hierarchy, and none is left of it`()
        throws
    {
        try Sandbox.use { box in
            try box.create(nil, box.config())
            let pid = try box.pid()
            let lines = Host.read("/proc/\(pid)/cgroup").split(separator: "\n")
            try #require(!lines.isEmpty)
            let mounted = ControlGroups.mounts
            for line in lines {
                let fields = line.split(
                    separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
                try #require(fields.count == 3)
                let controllers = Set(fields[1].split(separator: ",").map(String.init))
                let isMounted = mounted.contains {
                    controllers.isEmpty
                        ? $0.controllers.isEmpty : controllers.isSubset(of: $0.controllers)
                }
                if isMounted { #expect(fields[2].hasSuffix("/\(box.id())"), "\(line)") }
            }
            try box.succeed("delete", "--force", box.id())
            #expect(ControlGroups.named(box.id()).isEmpty)
        }
    }

    /// What a process of exec is in is what counts and limits it.
    @Test func `a process of exec is in all of them too`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config.share("cgroup")
            try box.createAndStart(config)
            let inside = try box.succeed("exec", box.id(), "cat", "/proc/self/cgroup").output
            #expect(inside == Host.read("/proc/\(try box.pid())/cgroup"))
            try box.succeed("delete", "--force", box.id())
        }
    }

    /// What the program can do to the hierarchy of pids, and what the runtime says.
    private func makesBelow(_ box: Sandbox, _ config: Value) throws -> Outcome {
        guard ControlGroups.has(version1: "pids") else {
            try skip("the controller pids is not one of version 1 here; make test-vm")
        }
        let place = "/sys/fs/cgroup/pids/below"
        try box.prepare(
            config, arguments: ["/bin/sh", "-c", "mkdir \(place) && echo made && rmdir \(place)"])
        return try box.command("run", box.id())
    }

    @Test(arguments: [[], ["rw"], ["ro"]] as [[String]])
    func `a mount of version 1 is writable where the config has it so`(
        _ options: [String]
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(Config.mount("/sys/fs/cgroup", "cgroup", options))
            let outcome = try makesBelow(box, config)
            if options == ["ro"] {
                #expect(outcome.error.lowercased().contains("read-only"), "\(outcome)")
            } else {
                #expect(outcome.output == "made\n", "\(outcome)")
                #expect(!outcome.error.contains("warning"), "\(outcome)")
            }
        }
    }

    /// A limit that the container could lift is no limit.
    @Test func `a hierarchy that holds a limit stays read-only, and others do not`() throws {
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(Config.mount("/sys/fs/cgroup", "cgroup", ["rw"]))
            config["linux"]["resources"] = ["pids": ["limit": 50]]
            let limited = try makesBelow(box, config)
            #expect(limited.output.isEmpty, "\(limited)")
            #expect(limited.error.contains("stays read-only for pids"), "\(limited)")
            config["linux"]["resources"] = ["memory": ["limit": 67_108_864]]
            #expect(try makesBelow(box, config).output == "made\n")
        }
    }

    /// There a program could move processes of others into its cgroups.
    @Test(arguments: ["pid", "cgroup"])
    func `without new namespaces of cgroups and pids every hierarchy is read-only`(
        _ kind: String
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config.share(kind)
            config["mounts"].append(Config.mount("/sys/fs/cgroup", "cgroup", ["rw"]))
            let outcome = try makesBelow(box, config)
            #expect(outcome.output.isEmpty, "\(outcome)")
            #expect(outcome.error.contains("stays read-only for"), "\(outcome)")
        }
    }

    /// Its cgroup was empty, and another container has taken it.
    @Test(arguments: [["delete"], ["delete", "--force"], ["kill", "--all"]])
    func `a stopped container does nothing to the one that has its cgroup`(
        _ command: [String]
    ) throws {
        try Sandbox.use { box in
            var config = box.config()
            config["linux"]["cgroupsPath"] = .string("/\(box.controlGroup)")
            let first = box.id("first")
            try box.create(first, config)
            try box.killInit(first)
            try box.create(box.id("second"), config)
            let pid = try box.pid(box.id("second"))
            _ = try box.runCommand(command + [first])
            #expect(try box.status(box.id("second")) == "created")
            #expect(kill(pid, 0) == 0)
            _ = try box.command("delete", "--force", first)
            try box.succeed("delete", "--force", box.id("second"))
        }
    }

    /// The names of a container's cgroups together are longer than a path may be.
    @Test func `cgroups that a container has nested deep go with it`() throws {
        try Sandbox.use { box in
            try box.create(nil, box.config())
            let pid = try box.pid()
            let controller = ControlGroups.has(version1: "pids") ? "pids" : ""
            let group = try #require(
                ControlGroups.path(of: pid, controller) ?? ControlGroups.named(box.id()).first)
            let name = String(repeating: "x", count: 245)
            var here = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            for _ in 0..<22 {
                try #require(mkdirat(here, name, 0o755) == 0)
                let below = openat(here, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                close(here)
                here = below
            }
            close(here)
            try box.succeed("delete", "--force", box.id())
            #expect(ControlGroups.named(box.id()).isEmpty)
        }
    }

    /// There the kernel has files that are about the whole hierarchy (CVE-2022-0492).
    @Test func `the root of a hierarchy of version 1 stays read-only`() throws {
        guard ControlGroups.has(version1: "pids") else {
            try skip("the controller pids is not one of version 1 here; make test-vm")
        }
        try Sandbox.use { box in
            var config = box.config()
            config["mounts"].append(Config.mount("/sys/fs/cgroup", "cgroup", ["rw"]))
            // The one-shot form has no cgroup without a limit: it sees the caller's.
            let outcome = try box.run(
                config, arguments: ["/bin/sh", "-c", "mkdir /sys/fs/cgroup/pids/below"])
            #expect(outcome.code != 0)
            #expect(outcome.error.lowercased().contains("read-only"), "\(outcome)")
        }
    }

    @Test func `an ordinary user's place that cannot be had is an error`() throws {
        try Sandbox.use { box in
            try box.prepareOrdinary()
            var config = box.ordinaryConfig()
            config.run(["/bin/echo", "ran"])
            for path in [nil, "/\(box.controlGroup)"] as [String?] {
                if let path { config["linux"]["cgroupsPath"] = .string(path) }
                try box.write("bundle/config.json", config.prettyText)
                let outcome = try box.startOrdinary(["run", "--bundle", box.bundle, "place"])
                    .finish()
                if path == nil {
                    #expect(outcome.output == "ran\n", "\(outcome)")
                } else {
                    #expect(outcome.code == 1 && outcome.output.isEmpty, "\(outcome)")
                    #expect(
                        outcome.error.contains("unable to apply cgroup configuration: mkdir"),
                        "\(outcome)")
                }
            }
        }
    }
}
