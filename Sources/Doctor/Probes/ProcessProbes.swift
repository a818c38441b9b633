internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension ProbeGroup {
    /// Making processes and holding on to them.
    static let processes = ProbeGroup(
        key: "processes", title: "Processes",
        probes: [
            Probe(
                "clone3", "make a process (clone3)", for: "every container", .everyone,
                since: "5.3", mend: filterRemedy, look: makeProcess),
            Probe(
                "pidfd", "hold it by a descriptor (pidfd)", for: "waiting, signals", .everyone,
                since: "5.4", mend: filterRemedy, look: holdProcess),
            Probe(
                "openat2", "open a path inside a root (openat2)", for: "every path in a container",
                .everyone, since: "5.6", mend: filterRemedy, look: openInside),
            Probe(
                "close-range", "close descriptors (close_range)", for: "nothing of the host leaks",
                .everyone, since: "5.9", mend: filterRemedy, look: closeRange),
            Probe(
                "into-cgroup", "make one in a cgroup (CLONE_INTO_CGROUP)",
                for: "limits from its first moment", since: "5.7",
                mend: "run vfs-run in a cgroup that is this user's own", look: makeInControlGroup),
            Probe(
                "time-namespace", "a clock of its own (time namespace)", for: "linux.timeOffsets",
                since: "5.6", look: timeNamespace),
            Probe(
                "capabilities", "the rights of root", for: "containers of root", look: capabilities),
            Probe(
                "new-privileges", "programs may raise privileges", for: "newuidmap, newgidmap",
                look: newPrivileges),
            Probe(
                "filter", "a seccomp filter on this very process", for: "containers in containers",
                look: filter),
            Probe(
                "limits", "the limits of this process (ulimit)", for: "what containers inherit",
                look: limits),
        ])

    private static let filterRemedy =
        "start the container that this runs in with --security-opt seccomp=unconfined"

    private static func makeProcess(_ subject: Subject) throws(ProbeFailure) -> Finding {
        let child = try trying("clone3") { () throws(Errno) in
            try ChildProcess.spawn([]) { CurrentProcess.exit(0) }
        }
        let ending = try trying("waitid") { () throws(Errno) in try child.wait() }
        return ending == .exited(0) ? .works() : .lacks("the process did not run")
    }

    private static func holdProcess(_ subject: Subject) throws(ProbeFailure) -> Finding {
        let own = try trying("pidfd_open") { () throws(Errno) in try CurrentProcess.open() }
        try trying("pidfd_send_signal") { () throws(Errno) in try own.borrowed.send(signal: 0) }
        return .works()
    }

    private static func openInside(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try trying("openat2", "\"/\"") { () throws(Errno) in
            let root = RootDirectory(try HostPath.open("/", [.path, .directory]))
            _ = try root.open("..", [.path, .directory])
        }
        return .works()
    }

    private static func closeRange(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try trying("close_range") { () throws(Errno) in
            if KernelProbe.deniedCalls.contains("close_range") { throw .noFunction }
        }
        return .works()
    }

    private static func makeInControlGroup(_ subject: Subject) throws(ProbeFailure) -> Finding {
        guard let path = ControlGroupFacts.read().ownVersion2 else {
            return .untried("there is no cgroup of version 2 here")
        }
        let group = try trying("open", "\"\(path)\"") { () throws(Errno) in
            try HostPath.open(path, [.readOnly, .directory])
        }
        let child = try trying("clone3", "in \"\(path)\"") { () throws(Errno) in
            try ChildProcess.spawn([], controlGroup: group.borrowed) {
                CurrentProcess.exit(0)
            }
        }
        _ = try trying("waitid") { () throws(Errno) in try child.wait() }
        return .works()
    }

    private static func timeNamespace(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try subject.enter(.time)
        try trying("write", "\"/proc/self/timens_offsets\"") { () throws(Errno) in
            let file = try HostPath.open("/proc/self/timens_offsets", .writeOnly)
            try file.borrowed.write(all: Array("monotonic 60 0".utf8))
        }
        return .works()
    }

    private static func capabilities(_ subject: Subject) throws(ProbeFailure) -> Finding {
        let status = KernelSetting.text("/proc/self/status") ?? ""
        return Subject.capabilities(
            .effective(in: status), user: subject.user, names: CapabilitySet.names)
    }

    private static func newPrivileges(_ subject: Subject) throws(ProbeFailure) -> Finding {
        let status = KernelSetting.text("/proc/self/status") ?? ""
        if KernelSetting.field("NoNewPrivs", in: status) != "1" { return .works() }
        return .lacks(
            "no_new_privs is set: newuidmap has no more rights than its caller",
            subject.isPrivileged ? nil : "start vfs-run from a process that does not set it")
    }

    private static func filter(_ subject: Subject) throws(ProbeFailure) -> Finding {
        let status = KernelSetting.text("/proc/self/status") ?? ""
        if KernelSetting.field("Seccomp", in: status) != "2" { return .works("none") }
        return Subject.filter(denied: KernelProbe.deniedCalls)
    }

    private static func limits(_ subject: Subject) throws(ProbeFailure) -> Finding {
        var found: [(limit: ResourceLimit, soft: UInt64)] = []
        for limit in ResourceLimit.allCases {
            let value = try trying("prlimit", limit.name) { () throws(Errno) in
                try KernelProbe.limit(limit)
            }
            found.append((limit, value.soft))
        }
        return Subject.limits(found)
    }
}

/// Verdicts.
extension Subject {
    /// What a container of root's takes, in the order in which a start needs it.
    private static let wanted = [
        "CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_CHOWN", "CAP_FOWNER",
        "CAP_DAC_OVERRIDE", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETFCAP",
        "CAP_NET_ADMIN", "CAP_SYS_PTRACE", "CAP_KILL", "CAP_SYS_RESOURCE",
    ]

    static func capabilities(
        _ held: CapabilitySet, user: UInt32, names: [String]
    ) -> Finding {
        let missing = names.filter { name in
            CapabilitySet(name: name).map { !held.isSuperset(of: $0) } ?? false
        }
        let facts = [("missing", JSONOutput.array(missing.map(JSONOutput.string)))]
        if missing.isEmpty { return .works("all \(names.count)", facts: facts) }
        if user != 0 && held.isEmpty {
            return .fact("none, as an ordinary user: it has them in a user namespace", facts: facts)
        }
        let felt = wanted.filter(missing.contains)
        if felt.isEmpty {
            return .works("all but \(missing.joined(separator: ", "))", facts: facts)
        }
        return .lacks(
            "without \(felt.joined(separator: ", "))",
            "start the container that this runs in with --cap-add, or --privileged", facts: facts)
    }

    static func filter(denied: [String]) -> Finding {
        let facts = [("denied", JSONOutput.array(denied.map(JSONOutput.string)))]
        if denied.isEmpty {
            return .works("there is one; it lets the calls of a start through", facts: facts)
        }
        return .lacks(
            "it denies \(denied.joined(separator: ", "))",
            "start the container that this runs in with --security-opt seccomp=unconfined",
            facts: facts)
    }

    /// The least that a container is likely to want of what it inherits.
    private static let least: [(limit: ResourceLimit, least: UInt64, option: String)] = [
        (.openFiles, 256, "-n"), (.processes, 64, "-u"), (.fileSize, 1 << 30, "-f"),
        (.addressSpace, 1 << 30, "-v"), (.data, 1 << 28, "-d"), (.lockedMemory, 1 << 16, "-l"),
    ]

    static func limits(_ found: [(limit: ResourceLimit, soft: UInt64)]) -> Finding {
        let facts = found.map { limit, soft in
            (limit.name, soft == .max ? JSONOutput.null : .unsigned(soft))
        }
        for (limit, least, option) in least {
            guard let soft = found.first(where: { $0.limit == limit })?.soft, soft < least
            else { continue }
            return .lacks(
                "\(limit.name) is \(soft), which a container inherits",
                "ulimit \(option) unlimited, or process.rlimits in config.json", facts: facts)
        }
        return .works("none that would be felt", facts: facts)
    }
}
