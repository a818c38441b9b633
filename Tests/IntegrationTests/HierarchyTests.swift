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

    @Test(arguments: [[], ["rw"], ["ro"]] as [[String]], [true, false])
    func `a mount of version 1 is writable where the config has it so`(
        _ options: [String], _ ownNamespace: Bool
    ) throws {
        guard ControlGroups.has(version1: "pids") else {
            try skip("the controller pids is not one of version 1 here; make test-vm")
        }
        try Sandbox.use { box in
            var config = box.config()
            if !ownNamespace { config.share("cgroup") }
            config["mounts"].append(Config.mount("/sys/fs/cgroup", "cgroup", options))
            try box.prepare(
                config,
                arguments: [
                    "/bin/sh", "-c",
                    "mkdir /sys/fs/cgroup/pids/below && echo made && rmdir /sys/fs/cgroup/pids/below",
                ])
            let outcome = try box.command("run", box.id())
            if options == ["ro"] {
                #expect(outcome.error.lowercased().contains("read-only"), "\(outcome)")
            } else {
                #expect(outcome.output == "made\n", "\(outcome)")
            }
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
