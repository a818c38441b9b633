internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension ProbeGroup {
    /// Requirements of an ordinary user's containers.
    static let userNamespaces = ProbeGroup(
        key: "user-namespaces", title: "User namespaces",
        probes: [
            Probe(
                "make", "make a user namespace", for: "containers of ordinary users", .users,
                look: make),
            Probe(
                "mount", "mount in it", for: "containers of ordinary users", .users, look: mount),
            Probe(
                "proc", "mount proc in it", for: "/proc of the container", .users, look: mountProc),
            Probe("sysfs", "mount sysfs in it", for: "/sys of the container", look: mountSysfs),
            Probe(
                "numbers", "subordinate ids (/etc/subuid, /etc/subgid)",
                for: "more than one user in it", look: numbers),
            Probe(
                "helpers", "newuidmap and newgidmap", for: "more than one user in it",
                look: helpers),
        ])

    private static func make(_ subject: Subject) throws(Failure) -> Finding {
        let gates = UserNamespaceGates.read()
        let facts: [(key: String, value: JSONOutput)] = [
            ("maximum", gates.maximum.map { .integer(Int64($0)) } ?? .null),
            ("unprivilegedClone", gates.unprivilegedClone.map { .integer(Int64($0)) } ?? .null),
            ("restrictedByAppArmor", .bool(gates.isRestrictedByAppArmor)),
        ]
        let obstacle: UserNamespaceGates.Obstacle
        do throws(Errno) {
            try CurrentProcess.leaveNamespaces(.user)
            do throws(Errno) {
                try subject.mapItself()
                return .works("as user \(subject.user)", facts: facts)
            } catch {
                obstacle = gates.obstacle(toUsing: error)
            }
        } catch {
            obstacle = gates.obstacle(toMaking: error)
        }
        return .lacks(obstacle.sentence, obstacle.remedy, facts: facts)
    }

    private static func mount(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter(.mount, inUserNamespace: true)
        do {
            _ = try subject.mountScratch()
        } catch {
            let errno = error.errno ?? .invalidArgument
            let obstacle = UserNamespaceGates.read().obstacle(toUsing: errno)
            return .lacks("\(error.message): \(obstacle.sentence)", obstacle.remedy)
        }
        return .works()
    }

    private static func mountProc(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter([.mount, .pid], inUserNamespace: true)
        return try subject.mountInside("proc")
    }

    private static func mountSysfs(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter([.mount, .network], inUserNamespace: true)
        return try subject.mountInside("sysfs")
    }

    private static func numbers(_ subject: Subject) throws(Failure) -> Finding {
        let found = SubordinateIDs.found(for: subject.user)
        return Subject.subordinates(
            users: found.users, groups: found.groups, name: found.name ?? "\(subject.user)")
    }

    private static func helpers(_ subject: Subject) throws(Failure) -> Finding {
        var missing: [String] = []
        var powerless: [String] = []
        for name in [MappingProgram.users, MappingProgram.groups] {
            guard let path = MappingProgram.find(name) else {
                missing.append(name)
                continue
            }
            if !HelperProgram.hasPower(path) { powerless.append(path) }
        }
        return HelperProgram.verdict(missing: missing, powerless: powerless)
    }
}

extension Subject {
    /// Mounts a file system that shows this process's namespaces, in the first process of the new
    /// pid namespace if there is one.
    func mountInside(_ type: String) throws(Failure) -> Finding {
        let covered = Subject.covered("/\(type == "proc" ? "proc" : "sys")")
        let outcome = try attempt(
            "fork",
            try ForkedProcess.run(within: 3_000_000_000) {
                do throws(Failure) {
                    _ = try Subject.mount(type)
                    return Finding.works().encoded
                } catch {
                    return Subject.mounting(type, error, covered: covered).encoded
                }
            })
        guard case .finished(let bytes) = outcome, let finding = Finding(encoded: bytes) else {
            return .lacks("the process that mounts \(type) did not answer")
        }
        return finding
    }

    /// Mounts that cover parts of `/proc` or `/sys`.
    private static func covered(_ top: String) -> [String] {
        let mounts = KernelSetting.text("/proc/self/mountinfo") ?? ""
        return mounts.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count > 4, fields[4].hasPrefix(top + "/") else { return nil }
            return String(fields[4])
        }
    }

    /// Why the kernel gives no new one: it would show what is covered here (mount_too_revealing).
    static func mounting(
        _ type: String, _ failure: Failure, covered: [String]
    ) -> Finding {
        let said = failure.message
        guard let errno = failure.errno, errno == .notPermitted || errno == .permissionDenied else {
            return .lacks(said)
        }
        if covered.isEmpty {
            let obstacle = UserNamespaceGates.read().obstacle(toUsing: errno)
            return .lacks("\(said): \(obstacle.sentence)", obstacle.remedy)
        }
        let names = covered.prefix(3).joined(separator: ", ")
        let more = covered.count > 3 ? " and \(covered.count - 3) more" : ""
        return .lacks(
            "\(said): the kernel allows no new mount while parts of the old one are covered (\(names)"
                + "\(more))",
            "start the container that vfs-run runs in with --security-opt systempaths=unconfined"
                + " (podman: unmask=ALL)",
            facts: [("covered", .array(covered.map(JSONOutput.string)))])
    }
}

extension Subject {
    /// The ids of a user in `/etc/subuid` and `/etc/subgid`.
    static func subordinates(
        users: [SubordinateIDs.Range], groups: [SubordinateIDs.Range], name: String
    ) -> Finding {
        func count(_ ranges: [SubordinateIDs.Range]) -> Int {
            ranges.reduce(0) { $0 + Int($1.count) }
        }
        let (users, groups) = (count(users), count(groups))
        let facts: [(key: String, value: JSONOutput)] = [
            ("users", .integer(Int64(users))), ("groups", .integer(Int64(groups))),
        ]
        if users > 0 && groups > 0 {
            return .works("\(users) users, \(groups) groups for \(name)", facts: facts)
        }
        let missing = users == 0 ? (groups == 0 ? "users and groups" : "users") : "groups"
        return .lacks(
            "no subordinate \(missing) for \(name): only one user inside",
            "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 \(name)",
            facts: facts)
    }
}

/// The programs of shadow that write maps of many numbers.
enum HelperProgram {
    /// Whether it runs as root, or with capabilities of its file's own.
    static func hasPower(_ path: String) -> Bool {
        if let status = try? FileStatus.of(path: path), status.userID == 0,
            status.permissions & 0o4000 != 0
        {
            return true
        }
        guard let file = try? HostPath.open(path, .readOnly) else { return false }
        return file.borrowed.hasAttribute("security.capability")
    }

    static func verdict(missing: [String], powerless: [String]) -> Finding {
        if let name = missing.first {
            return .lacks(
                "\(name) is not installed", "apt-get install uidmap (or dnf install shadow-utils)")
        }
        if let path = powerless.first {
            return .lacks(
                "\(path) has neither the set-user-ID bit with owner root nor file capabilities",
                "chmod u+s \(path)")
        }
        return .works()
    }
}
