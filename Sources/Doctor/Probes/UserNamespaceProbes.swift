internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension ProbeGroup {
    /// What lets an ordinary user run containers.
    static let userNamespaces = ProbeGroup(
        key: "user-namespaces", title: "User namespaces",
        probes: [
            Probe(
                "make", "be root in a user namespace", for: "containers of ordinary users", .users,
                look: make),
            Probe(
                "mount", "mount in it", for: "containers of ordinary users", .users, look: mount),
            Probe(
                "proc", "mount proc in it", for: "a /proc of its own", .users, look: mountProc),
            Probe("sysfs", "mount sysfs in it", for: "a /sys of its own", look: mountSysfs),
            Probe(
                "numbers", "numbers for more users (/etc/subuid, /etc/subgid)",
                for: "more than one user in it", look: numbers),
            Probe(
                "helpers", "newuidmap and newgidmap", for: "more than one user in it",
                look: helpers),
        ])

    private static func make(_ subject: Subject) throws(ProbeFailure) -> Finding {
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

    private static func mount(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try subject.enter(.mount, inUserNamespace: true)
        do {
            _ = try subject.mountScratch()
        } catch {
            let obstacle = UserNamespaceGates.read().obstacle(toUsing: error.errno)
            return .lacks("\(error.said): \(obstacle.sentence)", obstacle.remedy)
        }
        return .works()
    }

    private static func mountProc(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try subject.enter([.mount, .pid], inUserNamespace: true)
        return try subject.mountInside("proc")
    }

    private static func mountSysfs(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try subject.enter([.mount, .network], inUserNamespace: true)
        return try subject.mountInside("sysfs")
    }

    private static func numbers(_ subject: Subject) throws(ProbeFailure) -> Finding {
        let found = SubordinateIDs.found(for: subject.user)
        return Subject.subordinates(
            users: found.users, groups: found.groups, name: found.name ?? "\(subject.user)")
    }

    private static func helpers(_ subject: Subject) throws(ProbeFailure) -> Finding {
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
    func mountInside(_ type: String) throws(ProbeFailure) -> Finding {
        let covered = Subject.covered("/\(type == "proc" ? "proc" : "sys")")
        let outcome = try trying("fork") { () throws(Errno) in
            try ForkedProcess.run(within: 3_000_000_000) {
                let result = Result { () throws(ProbeFailure) in try Subject.mount(type) }
                switch result {
                case .success: return Finding.works().encoded
                case .failure(let error):
                    return Subject.mounting(type, error.errno, error.said, covered: covered).encoded
                }
            }
        }
        guard case .finished(let bytes) = outcome, let finding = Finding(encoded: bytes) else {
            return .lacks("the process that should mount it did not answer")
        }
        return finding
    }

    private static func mount(_ type: String) throws(ProbeFailure) {
        let context = try trying("fsopen", type) { () throws(Errno) in
            try FileSystemContext(type)
        }
        _ = try trying("fsmount", type) { () throws(Errno) in
            try context.create()
            return try context.mount()
        }
    }

    /// What is mounted over parts of `/proc` or `/sys` and hides them.
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
        _ type: String, _ errno: Errno, _ said: String, covered: [String]
    ) -> Finding {
        guard errno == .notPermitted || errno == .permissionDenied else { return .lacks(said) }
        if covered.isEmpty {
            let obstacle = UserNamespaceGates.read().obstacle(toUsing: errno)
            return .lacks("\(said): \(obstacle.sentence)", obstacle.remedy)
        }
        let names = covered.prefix(3).joined(separator: ", ")
        let more = covered.count > 3 ? " and \(covered.count - 3) more" : ""
        return .lacks(
            "\(said): the kernel gives no new one where parts of the old one are covered (\(names)"
                + "\(more))",
            "start the container that this runs in with --security-opt systempaths=unconfined"
                + " (podman: unmask=ALL)",
            facts: [("covered", .array(covered.map(JSONOutput.string)))])
    }
}

extension Subject {
    /// What a user has of the ids set aside in `/etc/subuid` and `/etc/subgid`.
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
            "no \(missing) for \(name): a container has its one user alone",
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
                "\(path) is neither set-user-id root nor has it file capabilities",
                "chmod u+s \(path)")
        }
        return .works()
    }
}
