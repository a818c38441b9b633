internal import Cgroups
internal import LinuxSystem
internal import OCISpec

/// What holds each of the limits of a run: a pure function of the request and of the facts of the
/// host. Checks report what it refuses and drops, and the builder carries it out.
struct LimitDecision {
    enum Means: Hashable {
        case timer, pipe, upper
        /// The container's cgroup.
        case group
        /// A limit of each process (setrlimit(2)).
        case rlimit
        /// A limit of each process, and the sum over `/proc`.
        case proc
        /// It holds less well than it should: by a limit of each process, for this reason.
        case reduced(String)
        /// It does not hold, for this reason, and may.
        case dropped(String)
        /// It does not hold, for this reason.
        case refused(String)
    }

    let limits: RunLimits
    private(set) var means: [RunLimits.Name: Means] = [:]

    init(_ request: Request, _ host: HostFacts) {
        limits = request.limits
        for name in RunLimits.Name.allCases where limits[name] != nil {
            var found = LimitDecision.means(name, request, host)
            if case .refused(let reason) = found, limits.bestEffort.contains(name) {
                found = name == .memory ? .reduced(reason) : .dropped(reason)
            }
            means[name] = found
        }
    }

    func uses(_ means: Means, for name: RunLimits.Name) -> Bool { self.means[name] == means }

    private static func means(
        _ name: RunLimits.Name, _ request: Request, _ host: HostFacts
    ) -> Means {
        // Nobody would look at the clock.
        if request.invocation.leavesTerminal, [.wallTime, .cpuTime, .output, .disk].contains(name) {
            return .refused(
                "the runtime process holds it, and leaves the container before its end; use run"
                    + " without --detach")
        }
        switch name {
        case .wallTime: return .timer
        case .output: return .pipe
        case .disk: return disk(request, host)
        case .cpuTime:
            if let joining = request.invocation.joining {
                return joining.container.countingGroups.isEmpty ? .proc : .group
            }
            return lack("cpuacct", request, host) == nil ? .group : .proc
        case .memory: return lack("memory", request, host).map(Means.refused) ?? .group
        case .processes:
            guard let lack = lack("pids", request, host) else { return .group }
            return processes(request).map { .refused("\(lack), and \($0)") } ?? .rlimit
        }
    }

    private static func lack(
        _ controller: String, _ request: Request, _ host: HostFacts
    ) -> String? {
        if request.invocation.joining != nil { return "exec makes no cgroup" }
        if request.invocation.controlGroups == .disabled {
            return "cgroups are disabled (--cgroup-manager disabled)"
        }
        return host.groupLacks.first { $0.controller == controller }?.sentence
    }

    /// Why RLIMIT_NPROC does not count the container's processes alone; nil where it does.
    private static func processes(_ request: Request) -> String? {
        guard let namespace = request.userNamespace.namespace, namespace.path == nil else {
            return "without a user namespace of its own RLIMIT_NPROC would count the user's other"
                + " processes; add a \"user\" namespace"
        }
        let user = request.spec.process?.user?.uid?.value ?? 0
        if namespace.mappings?.value.users.outside(of: user) == 0,
            request.invocation.privilege == .full
        {
            return "RLIMIT_NPROC does not bind the host's root; map the container's users to others"
        }
        return nil
    }

    private static func disk(_ request: Request, _ host: HostFacts) -> Means {
        if request.invocation.joining != nil || !request.overlays.value {
            return .refused("the root file system has no upper; use an overlay")
        }
        // One of the command line takes its place.
        if case .config = request.limits.disk?.origin, request.overlay?.size != nil {
            return .refused("vfs.overlay.size is the same limit; remove one of them")
        }
        return .upper
    }
}

extension Request {
    /// The limits of config.json, with those of the command line in their place. `exec` has its own
    /// alone: the others are the container's.
    static func limits(_ spec: Spec, _ invocation: Invocation) -> RunLimits {
        var limits = RunLimits()
        if invocation.joining == nil, let found = spec.vfs?.limits {
            for (name, text) in found.texts {
                guard let value = RunLimits.value(name, text.value) else { continue }
                limits[name] = Setting(value, .config(text.offset))
            }
            switch found.bestEffort {
            case .all(let isAll):
                if isAll.value { limits.bestEffort = Set(RunLimits.Name.allCases) }
            case .named(let names):
                limits.bestEffort = Set(names.compactMap { RunLimits.Name(rawValue: $0.value) })
            case nil: break
            }
        }
        for name in RunLimits.Name.allCases {
            if let given = invocation.limits[name] { limits[name] = given }
        }
        limits.bestEffort.formUnion(invocation.limits.bestEffort)
        return limits
    }

    /// The controllers that hold limits of the run, by their names in version 1.
    var controllersOfLimits: [String] {
        var found: [String] = []
        if limits.memory != nil { found.append("memory") }
        if limits.processes != nil { found.append("pids") }
        if limits.cpuTime != nil { found.append("cpuacct") }
        return found
    }
}

extension Spec.VFS.Limits {
    /// The limits as they are written.
    var texts: [(name: RunLimits.Name, text: Located<String>)] {
        let pairs: [(RunLimits.Name, Located<String>?)] = [
            (.wallTime, wallTime), (.cpuTime, cpuTime), (.memory, memory),
            (.processes, pids?.map { String($0) }), (.output, output), (.disk, disk),
        ]
        return pairs.compactMap { name, text in text.map { (name, $0) } }
    }
}
