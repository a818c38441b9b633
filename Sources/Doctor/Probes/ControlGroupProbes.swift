internal import Cgroups
internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension ProbeGroup {
    /// Limits, and telling which processes are a container's.
    static let controlGroups = ProbeGroup(
        key: "cgroups", title: "Control groups",
        probes: [
            Probe(
                "version", "mounted hierarchies", for: "limits, pause, list", look: version),
            Probe(
                "controllers", "available controllers", for: "linux.resources", look: controllers),
            Probe(
                "make", "make a cgroup at a container's place", for: "limits, pause, list",
                look: make),
            Probe(
                "delegation", "controllers delegated by the parent (version 2)",
                for: "linux.resources",
                look: delegation),
            Probe(
                "devices", "device filter", for: "linux.resources.devices", look: devices),
            Probe("manager", "manager", for: "--systemd-cgroup", look: manager),
        ])

    private static func version(_ subject: Subject) throws(Failure) -> Finding {
        ControlGroupFacts.read().version
    }

    private static func controllers(_ subject: Subject) throws(Failure) -> Finding {
        ControlGroupFacts.read().offered
    }

    private static func make(_ subject: Subject) throws(Failure) -> Finding {
        let name = String(subject.scratchName.dropFirst())
        guard let hierarchies = ControlGroupFacts.read().hierarchies else {
            return .untried("no cgroups are mounted")
        }
        return ControlGroupFacts.making(
            hierarchies.tryMaking(name).map { ($0.path, $0.errno) },
            isRoot: subject.user == 0 && subject.isInFirstUserNamespace)
    }

    private static func delegation(_ subject: Subject) throws(Failure) -> Finding {
        let facts = ControlGroupFacts.read()
        guard let hierarchies = facts.hierarchies else { return .untried("no cgroups are mounted") }
        return ControlGroupFacts.delegating(
            hierarchies.handedOn,
            ofVersion1: ControlGroupFacts.main.filter(hierarchies.hasVersion1))
    }

    private static func devices(_ subject: Subject) throws(Failure) -> Finding {
        let facts = ControlGroupFacts.read()
        if facts.hierarchies?.hasVersion1("devices") == true {
            return .works("the controller of version 1")
        }
        if facts.hierarchies?.version2 == nil { return .untried("no cgroups are mounted") }
        // "return 1".
        let allow: [UInt64] = [0xb4 | 1 << 32, 0x95]
        do throws(Errno) {
            _ = try DeviceProgram.load(allow)
            return .works("a BPF program")
        } catch .notPermitted where !subject.isPrivileged {
            return .fact(
                "an ordinary user loads none; a rootless container has no other device nodes")
        } catch .notPermitted {
            return .lacks(
                "bpf: \(Errno.notPermitted.words)",
                "ulimit -l unlimited, or start this container with CAP_BPF")
        } catch {
            throw Failure("bpf", "BPF_PROG_LOAD", error)
        }
    }

    private static func manager(_ subject: Subject) throws(Failure) -> Finding {
        let hasSystemd = (try? FileStatus.of(path: "/run/systemd/system")) != nil
        let first = KernelSetting.text("/proc/1/comm") ?? "unknown"
        return .fact(
            hasSystemd ? "systemd" : "none: process 1 is \(first)",
            facts: [("systemd", .bool(hasSystemd)), ("process1", .string(first))])
    }
}

/// Facts about the host's cgroups, and the verdicts on them.
struct ControlGroupFacts {
    /// Nil where nothing is mounted.
    var hierarchies: Hierarchies?

    static func read() -> ControlGroupFacts {
        let found = try? Hierarchies.read()
        let isEmpty = found?.version1.isEmpty != false && found?.version2 == nil
        return ControlGroupFacts(hierarchies: isEmpty ? nil : found)
    }

    /// The directory of this process's own cgroup.
    var ownVersion2: String? {
        hierarchies?.version2.map { $0.path($0.own) }
    }

    var version: Finding {
        guard let hierarchies else {
            return .lacks(
                "no cgroups are mounted, so limits cannot be applied",
                "mount -t cgroup2 none /sys/fs/cgroup", facts: [("version", .string("none"))])
        }
        let first = hierarchies.version1.filter { !$0.controllers[0].hasPrefix("name=") }
        let all = first + (hierarchies.version2.map { [$0] } ?? [])
        let places = all.map(\.mountPoint)
        let (key, words) =
            switch (first.isEmpty, hierarchies.version2) {
            case (true, .some(let second)): ("2", "version 2 on \(second.mountPoint)")
            case (false, nil): ("1", "version 1")
            case (false, .some(let second)) where second.controllers.isEmpty:
                ("hybrid", "version 1 with all controllers, version 2 on \(second.mountPoint)")
            case (false, .some(let second)):
                (
                    "hybrid",
                    "both: version 2 on \(second.mountPoint) has"
                        + " \(second.controllers.joined(separator: ", "))"
                )
            case (true, nil): ("none", "none with controllers")
            }
        return .fact(
            words,
            facts: [
                ("version", .string(key)), ("mounts", .array(places.map(JSONOutput.string))),
            ])
    }

    /// By their names in config.json, each with those of the two versions.
    private static let known: [(name: String, version1: String, version2: String)] = [
        ("memory", "memory", "memory"), ("cpu", "cpu", "cpu"), ("pids", "pids", "pids"),
        ("cpuset", "cpuset", "cpuset"), ("blockIO", "blkio", "io"),
        ("hugepageLimits", "hugetlb", "hugetlb"), ("rdma", "rdma", "rdma"),
    ]

    var offered: Finding {
        guard let hierarchies else { return .untried("no cgroups are mounted") }
        var there: [String] = []
        var missing: [String] = []
        for (name, version1, version2) in ControlGroupFacts.known {
            let isThere =
                hierarchies.hasVersion1(version1)
                || hierarchies.version2?.controllers.contains(version2) == true
            if isThere { there.append(name) } else { missing.append(name) }
        }
        let facts: [(key: String, value: JSONOutput)] = [
            ("there", .array(there.map(JSONOutput.string))),
            ("missing", .array(missing.map(JSONOutput.string))),
        ]
        let main = missing.filter { ["memory", "cpu", "pids"].contains($0) }
        if main.isEmpty { return .works(there.joined(separator: ", "), facts: facts) }
        return .lacks(
            "missing: \(main.joined(separator: ", "))",
            main.contains("memory")
                ? "start the kernel with cgroup_enable=memory"
                : "enable it in cgroup.subtree_control of the cgroups above", facts: facts)
    }

    /// The controllers of most limits.
    static let main = ["memory", "cpu", "pids"]

    /// - Parameters:
    ///   - handedOn: The controllers of version 2 there, nil without that version.
    ///   - first: Those of `main` that are of version 1, which hands on everything.
    static func delegating(_ handedOn: [String]?, ofVersion1 first: [String]) -> Finding {
        guard let handedOn else { return .untried("no cgroup of version 2 is mounted") }
        let missing = main.filter { !first.contains($0) && !handedOn.contains($0) }
        let facts = [("controllers", JSONOutput.array(handedOn.map(JSONOutput.string)))]
        if first.count == main.count {
            return .fact("limits use version 1, which needs no delegation", facts: facts)
        }
        if missing.isEmpty { return .works(handedOn.joined(separator: ", "), facts: facts) }
        return .lacks(
            "not \(missing.joined(separator: ", "))",
            "under systemd: Delegate=cpu cpuset io memory pids of the unit above (user@.service);"
                + " otherwise echo +memory +cpu +pids > cgroup.subtree_control above", facts: facts)
    }

    /// - Parameter tries: What came of a try in each hierarchy.
    static func making(_ tries: [(path: String, errno: Errno?)], isRoot: Bool) -> Finding {
        let failed = tries.filter { $0.errno != nil }
        let facts: [(key: String, value: JSONOutput)] = [
            ("made", .array(tries.filter { $0.errno == nil }.map { .string($0.path) })),
            ("refused", .array(failed.map { .string($0.path) })),
        ]
        guard let first = failed.first, let errno = first.errno else {
            let count = tries.count == 1 ? "one hierarchy" : "\(tries.count) hierarchies"
            return .works("in \(count)", facts: facts)
        }
        let remedy =
            switch errno {
            case .readOnlyFileSystem:
                "mount the cgroups read-write in the container that vfs-run runs in"
            case .permissionDenied where !isRoot, .notPermitted where !isRoot:
                "get a delegated cgroup: systemd-run --user --scope -p Delegate=yes …;"
                    + " without one there are no limits"
            default: "check cgroup.max.descendants of the cgroups above, and their owner"
            }
        let others = failed.count > 1 ? ", and \(failed.count - 1) more" : ""
        return .lacks("mkdir \"\(first.path)\": \(errno.words)\(others)", remedy, facts: facts)
    }
}
