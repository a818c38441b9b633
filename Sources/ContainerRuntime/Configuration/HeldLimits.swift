internal import Cgroups
internal import LinuxSystem
internal import OCISpec

/// The limits of a run that hold, by what holds them.
public struct HeldLimits: Sendable {
    /// With those that do not hold.
    public var limits = RunLimits()
    /// What holds each; of a limit that the container's cgroup holds, the version is the kernel's to
    /// say. None: it does not hold, and was allowed not to.
    public var holders: [RunLimits.Name: RunLimits.Holder] = [:]
    /// Those that the container's cgroup holds.
    public var ofGroup: Set<RunLimits.Name> = []
    /// Bytes of memory, and processes, that `linux.resources` allows.
    public var groupMemory: UInt64?
    public var groupProcesses: UInt64?
    /// The directories of kept uppers that are watched.
    public var watched: [String] = []

    public init() {}

    /// The number of a limit that the runtime process itself has to hold.
    public func value(_ name: RunLimits.Name) -> UInt64? {
        holders[name] == nil && !ofGroup.contains(name) ? nil : limits[name]?.value
    }

    public var isEmpty: Bool { holders.isEmpty && ofGroup.isEmpty }
}

extension LimitDecision {
    /// Whether a cgroup holds one of them.
    var needsGroup: Bool { means.values.contains(.group) }

    /// Where the first limit that a cgroup holds comes from.
    var groupOrigin: Origin? {
        RunLimits.Name.allCases.first { means[$0] == .group }.flatMap { limits[$0]?.origin }
    }

    /// With the limits that the cgroup holds.
    func resources(_ given: Resources) -> Resources {
        var resources = given
        if means[.memory] == .group, let limit = limits.memory?.value {
            let located = Located(Int64(clamping: limit), at: 0)
            var memory = resources.memory ?? Resources.Memory(offset: 0)
            memory.limit = located
            if memory.swap == nil { memory.swap = located }
            resources.memory = memory
            resources.endsTogether = true
        }
        if means[.processes] == .group, let limit = limits.processes?.value {
            resources.pids = Located(Int64(clamping: limit), at: 0)
        }
        return resources
    }

    /// The size of an upper that is thrown away.
    var upperSize: Setting<String>? {
        guard means[.disk] == .upper, let disk = limits.disk else { return nil }
        return Setting(String(disk.value), disk.origin)
    }

    var held: HeldLimits {
        var held = HeldLimits()
        held.limits = limits
        for (name, means) in means {
            switch means {
            case .timer: held.holders[name] = .timer
            case .pipe: held.holders[name] = .pipe
            case .upper: held.holders[name] = .tmpfs
            case .group: held.ofGroup.insert(name)
            case .rlimit, .reduced: held.holders[name] = .rlimit
            case .proc: held.holders[name] = .proc
            case .dropped, .refused: break
            }
        }
        return held
    }
}

extension ConfigurationBuilder {
    /// Limits of each process, where no cgroup counts them together.
    func addProcessLimits(_ process: inout Configuration.Process) {
        let limits = decision.limits
        if case .reduced = decision.means[.memory], let memory = limits.memory {
            process.tighten(.addressSpace, memory.value, memory.origin)
        }
        if decision.means[.processes] == .rlimit, let processes = limits.processes {
            process.tighten(.processes, processes.value, processes.origin)
        }
        if decision.means[.cpuTime] == .proc, let time = limits.cpuTime {
            // Whole seconds: the sum over all processes is what ends the container.
            process.tighten(.cpu, time.value / 1_000_000_000 + 1, time.origin)
        }
    }
}

extension Configuration.Process {
    /// The lower of the config's limit and this one.
    fileprivate mutating func tighten(
        _ resource: ResourceLimit, _ value: UInt64, _ origin: Origin
    ) {
        let known = limits.first { $0.value.resource == resource }?.value
        limits.removeAll { $0.value.resource == resource }
        let hard = min(known?.hard ?? .max, value)
        limits.append(
            Setting(
                .init(resource: resource, soft: min(known?.soft ?? .max, hard), hard: hard), origin)
        )
    }
}
