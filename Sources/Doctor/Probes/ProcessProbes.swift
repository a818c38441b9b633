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
                "pidfd", "open a pidfd of it", for: "waiting, signals", .everyone,
                since: "5.4", mend: filterRemedy, look: holdProcess),
            Probe(
                "openat2", "open a path inside a root (openat2)", for: "every path in a container",
                .everyone, since: "5.6", mend: filterRemedy, look: openInside),
            Probe(
                "close-range", "close descriptors (close_range)",
                for: "no descriptor leaks into a container",
                .everyone, since: "5.9", mend: filterRemedy, look: closeRange),
            Probe(
                "into-cgroup", "make a process in a cgroup (CLONE_INTO_CGROUP)",
                for: "limits from its first moment", since: "5.7",
                mend: "run vfs-run in a cgroup that this user owns", look: makeInControlGroup),
            Probe(
                "time-namespace", "make a time namespace", for: "linux.timeOffsets",
                since: "5.6", look: timeNamespace),
            Probe(
                "capabilities", "capabilities of root", for: "containers of root",
                look: capabilities),
            Probe(
                "new-privileges", "no_new_privs is not set", for: "newuidmap, newgidmap",
                look: newPrivileges),
            Probe(
                "filter", "the seccomp filter of this process", for: "containers in containers",
                look: filter),
            Probe(
                "limits", "resource limits of this process (ulimit)",
                for: "limits that containers inherit",
                look: limits),
        ])

    private static let filterRemedy =
        "start the container that vfs-run runs in with --security-opt seccomp=unconfined"

    private static func makeProcess(_ subject: Subject) throws(Failure) -> Finding {
        let child = try attempt("clone3", try ChildProcess.spawn([]) { CurrentProcess.exit(0) })
        let ending = try attempt("waitid", try child.wait())
        return ending == .exited(0) ? .works() : .lacks("the process did not run")
    }

    private static func holdProcess(_ subject: Subject) throws(Failure) -> Finding {
        let own = try attempt("pidfd_open", try CurrentProcess.open())
        try attempt("pidfd_send_signal", try own.borrowed.send(signal: 0))
        return .works()
    }

    private static func openInside(_ subject: Subject) throws(Failure) -> Finding {
        let root = RootDirectory(
            try attempt("open", on: "/", try HostPath.open("/", [.path, .directory])))
        _ = try attempt("openat2", on: "/", try root.open("..", [.path, .directory]))
        return .works()
    }

    private static func closeRange(_ subject: Subject) throws(Failure) -> Finding {
        if KernelProbe.deniedCalls.contains("close_range") {
            throw Failure("close_range", "", .noFunction)
        }
        return .works()
    }

    private static func makeInControlGroup(_ subject: Subject) throws(Failure) -> Finding {
        guard let path = ControlGroupFacts.read().ownVersion2 else {
            return .untried("no cgroup of version 2 is mounted")
        }
        let group = try attempt("open", on: path, try HostPath.open(path, [.readOnly, .directory]))
        let child = try attempt(
            "clone3", "in \"\(path)\"",
            try ChildProcess.spawn([], controlGroup: group.borrowed) {
                CurrentProcess.exit(0)
            })
        _ = try attempt("waitid", try child.wait())
        return .works()
    }

    private static func timeNamespace(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter(.time)
        let path = "/proc/self/timens_offsets"
        let file = try attempt("open", on: path, try HostPath.open(path, .writeOnly))
        try attempt(
            "write", on: path, try file.borrowed.write(all: Array("monotonic 60 0".utf8)))
        return .works()
    }

    private static func capabilities(_ subject: Subject) throws(Failure) -> Finding {
        let status = KernelSetting.text("/proc/self/status") ?? ""
        return Subject.capabilities(
            .effective(in: status), user: subject.user, names: CapabilitySet.names)
    }

    private static func newPrivileges(_ subject: Subject) throws(Failure) -> Finding {
        let status = KernelSetting.text("/proc/self/status") ?? ""
        if KernelSetting.field("NoNewPrivs", in: status) != "1" { return .works() }
        return .lacks(
            "set: newuidmap gains no rights",
            subject.isPrivileged ? nil : "start vfs-run from a process that does not set it")
    }

    private static func filter(_ subject: Subject) throws(Failure) -> Finding {
        let status = KernelSetting.text("/proc/self/status") ?? ""
        if KernelSetting.field("Seccomp", in: status) != "2" { return .works("none") }
        return Subject.filter(denied: KernelProbe.deniedCalls)
    }

    private static func limits(_ subject: Subject) throws(Failure) -> Finding {
        var found: [(limit: ResourceLimit, soft: UInt64)] = []
        for limit in ResourceLimit.allCases {
            let value = try attempt("prlimit", limit.name, try KernelProbe.limit(limit))
            found.append((limit, value.soft))
        }
        return Subject.limits(found)
    }
}

/// Verdicts.
extension Subject {
    /// The capabilities that a start as root needs, in the order of their use.
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
            return .fact("none: an ordinary user has them in a user namespace only", facts: facts)
        }
        let felt = wanted.filter(missing.contains)
        if felt.isEmpty {
            return .works("all but \(missing.joined(separator: ", "))", facts: facts)
        }
        return .lacks(
            "missing: \(felt.joined(separator: ", "))",
            "start the container that vfs-run runs in with --cap-add, or --privileged", facts: facts
        )
    }

    static func filter(denied: [String]) -> Finding {
        let facts = [("denied", JSONOutput.array(denied.map(JSONOutput.string)))]
        if denied.isEmpty {
            return .works("present; it allows the system calls of a start", facts: facts)
        }
        return .lacks(
            "it denies \(denied.joined(separator: ", "))",
            "start the container that vfs-run runs in with --security-opt seccomp=unconfined",
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
                "\(limit.name) is \(soft), and containers inherit it",
                "ulimit \(option) unlimited, or process.rlimits in config.json", facts: facts)
        }
        return .works("no low limit", facts: facts)
    }
}
