internal import LinuxSystem

/// A way out of the isolation that is open, or a harm to the host that nothing prevents.
public struct Way: Sendable {
    public enum Rank: Int, Sendable, Comparable {
        /// The host is open: no defect of the kernel is needed.
        case critical
        /// One more right, or one mistake, opens it.
        case high
        /// A layer of defence that is usual is missing.
        case medium
        case low

        public static func < (one: Rank, other: Rank) -> Bool { one.rawValue < other.rawValue }

        public var word: String {
            switch self {
            case .critical: "critical"
            case .high: "high"
            case .medium: "medium"
            case .low: "low"
            }
        }
    }

    public var rank: Rank
    /// Never changes, for programs: `capability CAP_SYS_ADMIN`.
    public var key: String
    public var what: String
    /// The line to change, and to what.
    public var change: String

    init(_ rank: Rank, _ key: String, _ what: String, change: String) {
        (self.rank, self.key, self.what, self.change) = (rank, key, what, change)
    }
}

extension Explanation {
    /// The ways out, the widest first.
    public var ways: [Way] {
        if isOrdinary || isClosed { return [] }
        let checks: [(Explanation) -> [Way]] = [
            Explanation.capabilityWays, Explanation.namespaceWays, Explanation.mountWays,
            Explanation.descriptorWays, Explanation.filterWays, Explanation.otherWays,
            Explanation.limitWays,
        ]
        // Of one rank in the order of the checks.
        return checks.flatMap { $0(self) }.enumerated().sorted {
            ($0.element.rank.rawValue, $0.offset) < ($1.element.rank.rawValue, $1.offset)
        }.map(\.element)
    }

    /// Where to change a setting: the line of the config, or the key of a config and Docker's
    /// option.
    func line(_ key: String, docker: String? = nil, _ path: String...) -> String {
        if let places {
            var found = places.place("")
            // Variadic arguments cannot be passed on.
            switch path.count {
            case 1: found = places.place(path[0])
            case 2: found = places.place(path[0], path[1])
            case 3: found = places.place(path[0], path[1], path[2])
            default: break
            }
            return "\(found): \(key)"
        }
        return key + (docker.map { " (docker: \($0))" } ?? "")
    }

    /// Whether capabilities are rights over the host.
    var reachesHost: Bool { shares("user") || (isOwn("user") == nil && identity.isHosts) }

    private static func namespaceWays(_ found: Explanation) -> [Way] {
        let rows: [(kind: String, rank: Way.Rank, what: String, docker: String)] = [
            ("mount", .critical, "sees the mounts and files of the host", "any container has one"),
            (
                "pid", .high, "sees the processes of the host, and signals those of its user",
                "without --pid=host"
            ),
            (
                "network", .high,
                "reaches services on 127.0.0.1 and the abstract sockets of the host",
                "without --network=host"
            ),
            (
                "ipc", .medium, "shares System V IPC and message queues with the host",
                "without --ipc=host"
            ),
            ("uts", .low, "shares the host name", "without --uts=host"),
            ("cgroup", .low, "sees the names of the host's control groups", "--cgroupns=private"),
        ]
        return rows.compactMap { row in
            guard found.shares(row.kind) else { return nil }
            return Way(
                row.rank, "\(row.kind) namespace", "the host's \(row.kind) namespace: \(row.what)",
                change: found.line(
                    "add {\"type\": \"\(row.kind)\"} to linux.namespaces", docker: row.docker,
                    "linux", "namespaces"))
        }
    }

    private static func filterWays(_ found: Explanation) -> [Way] {
        if found.seccomp.mode == SeccompFacts.Mode.none {
            return [
                Way(
                    .medium, "no seccomp filter",
                    "no seccomp filter: every system call of the kernel can be attacked",
                    change: found.line(
                        "add \"vfs\": {\"seccomp\": \"default\"}",
                        docker: "without seccomp=unconfined", "linux"))
            ]
        }
        let grave = [
            "bpf", "kexec_load", "init_module", "finit_module", "open_by_handle_at", "userfaultfd",
            "keyctl", "io_uring_setup", "perf_event_open", "mount", "unshare",
        ]
        let open = grave.filter { found.seccomp.lets($0) == true }
        if open.isEmpty { return [] }
        return [
            Way(
                .low, "seccomp lets calls pass",
                "the filter lets calls pass that few programs need: "
                    + open.joined(separator: ", "),
                change: found.line(
                    "remove their names from the rules that allow them",
                    docker: "its default profile", "linux", "seccomp"))
        ]
    }

    private static func otherWays(_ found: Explanation) -> [Way] {
        var ways: [Way] = []
        if found.reachesHost && found.identity.user == 0 {
            ways.append(
                Way(
                    .medium, "root of the host",
                    "its uid 0 is root of the host: what it gets out with is root's",
                    change: found.line(
                        "add {\"type\": \"user\"} to linux.namespaces, uidMappings and gidMappings",
                        docker: "userns-remap", "linux", "namespaces")))
        }
        if found.security.noNewPrivileges == false {
            ways.append(
                Way(
                    .low, "no_new_privs is off",
                    "set-user-ID programs and file capabilities give it more rights",
                    change: found.line(
                        "set process.noNewPrivileges to true",
                        docker: "--security-opt no-new-privileges", "process", "noNewPrivileges")
                ))
        }
        if let modules = found.security.modules, !found.isPlanned, !found.security.isLabelled,
            let module = modules.first(where: { $0 == "apparmor" || $0 == "selinux" })
        {
            ways.append(
                Way(
                    .low, "no label", "the kernel has \(module), and no label confines it",
                    change: found.line(
                        module == "apparmor"
                            ? "set process.apparmorProfile" : "set process.selinuxLabel",
                        docker: "--security-opt", "process")))
        }
        return ways
    }

    private static func limitWays(_ found: Explanation) -> [Way] {
        let rows = [
            ("memory", "it can take all memory of the host", "resources.memory.limit", "--memory"),
            (
                "pids", "a fork bomb takes all pids of the host", "resources.pids.limit",
                "--pids-limit"
            ),
        ]
        return rows.compactMap { name, what, key, docker in
            if found.limits.contains(where: { $0.name == name }) { return nil }
            if found.unknown.contains(where: { $0.hasPrefix("the limits") }) { return nil }
            return Way(
                .low, "no limit of \(name)", "no limit of \(name): \(what)",
                change: found.line("set linux.\(key)", docker: docker, "linux", "resources"))
        }
    }
}
