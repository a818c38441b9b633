internal import Cgroups
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import Seccomp

/// The facts that the sections of a plan decide by, worked out once.
final class PlanFacts {
    let configuration: Configuration
    let document: JSONDocument
    let seccompCache: SeccompCache
    /// The container's state for hooks and other commands; without a process yet. It reads /proc: a
    /// plan that tells no one of the container does without it.
    private(set) lazy var state = PlanFacts.state(configuration)

    /// The namespaces of the container's own.
    let newNamespaces: NamespaceSet
    /// Those that `clone3` makes. That of cgroups is made later where the container has a cgroup of
    /// its own, from inside it.
    let clonedNamespaces: NamespaceSet
    /// Whether that of message queues is made by the init process, as root of its user namespace.
    let separatesQueues: Bool
    /// Whether it takes a process in between to make the init process.
    let entersNamespaces: Bool
    /// The ids that the container's stand for, where the runtime is not root; nil for root.
    let reachedUsers: IDMap?

    /// Whether a mount shows control groups.
    let showsControlGroups: Bool
    /// Whether the container is shown its own by binding them: without a cgroup namespace.
    let bindsControlGroups: Bool
    /// The mount that shows them for writing, where there is one.
    let writableControlGroups: Configuration.Mount?

    /// Whether the runtime process carries the bytes of standard streams: in the one-shot form,
    /// whose program has a terminal of its own or the caller's streams. Engines pass what they want
    /// the program to have.
    let relaysStreams: Bool
    /// Whether it carries standard output and standard error, whatever they are: their bytes have a
    /// limit. Those of a terminal of the container's own go through the runtime process anyway.
    let countsOutput: Bool
    /// How many descriptors, from 3 on, the caller passes on.
    let passedDescriptors: Int
    /// Whether the container's tree becomes the root behind the mounts: a user namespace mounts only
    /// what it sees mounted and binds the host's devices, and hooks of the host's see both trees.
    let pivotsLate: Bool
    /// Whether the container joins the pid namespace of other processes.
    let joinsProcesses: Bool
    /// How many mounts of proc it has.
    let procCount: Int
    /// Whether the process becomes one of a pid namespace of other processes, late: of the container
    /// that `exec` names, or of one that is joined by its path.
    let entersProcesses: Bool
    /// Whether process 1 is an init, and the program process 2.
    let hasInit: Bool
    /// Whether others are told of the process, or may use it by the container's name.
    let isNamed: Bool
    /// Whether the processes that the container leaves behind become the runtime's.
    let adoptsOrphans: Bool
    /// Whether the container's terminal is shown on the caller's.
    let showsTerminal: Bool
    /// Whether the program may change the settings of the caller's, which it gets with the streams.
    let sharesTerminal: Bool

    init(_ configuration: Configuration, document: JSONDocument, seccompCache: SeccompCache) {
        self.configuration = configuration
        self.document = document
        self.seccompCache = seccompCache
        let namespaces = configuration.namespaces
        let new = namespaces.new.value
        newNamespaces = new
        separatesQueues = PlanFacts.separatesQueues(configuration)
        var cloned = configuration.controlGroup == nil ? new : new.subtracting(.cgroup)
        if separatesQueues { cloned.subtract(.ipc) }
        clonedNamespaces = cloned
        entersNamespaces =
            new.contains(.time)
            || !namespaces.joined.isEmpty
                && (configuration.userNamespace != nil
                    || namespaces.joined.contains { $0.value.kind == .time })
        reachedUsers = PlanFacts.reachedUsers(configuration)
        showsControlGroups = configuration.mounts.contains { $0.kind == .controlGroups }
        bindsControlGroups =
            showsControlGroups && !new.contains(.cgroup)
            && !namespaces.joined.contains { $0.value.kind == .cgroup }
        writableControlGroups = PlanFacts.writableControlGroups(configuration)
        let (container, joined) = (configuration.container, configuration.joined)
        isNamed = container != nil || joined != nil
        relaysStreams = !isNamed && configuration.process.terminal == nil
        countsOutput =
            configuration.limits.holders[.output] == .pipe && configuration.process.terminal == nil
        // Nothing else would end what the first process of a nameless container leaves behind.
        adoptsOrphans = container?.adoptsOrphans ?? (!isNamed && !new.contains(.pid))
        showsTerminal =
            configuration.process.terminal != nil && container?.consoleSocket == nil
            && joined?.consoleSocket == nil
        sharesTerminal = configuration.sharesTerminal && configuration.process.terminal == nil
        passedDescriptors =
            container.map { $0.listeningDescriptors + $0.preservedDescriptors }
            ?? joined?.preservedDescriptors ?? 0
        let hooks = configuration.hooks
        pivotsLate =
            configuration.isRestricted || !hooks.prestart.isEmpty || !hooks.createRuntime.isEmpty
            || !hooks.createContainer.isEmpty
        joinsProcesses = namespaces.joined.contains { $0.value.kind == .pid }
        procCount = configuration.mounts.count {
            if case .fileSystem("proc", _, _) = $0.kind { true } else { false }
        }
        entersProcesses = joined?.namespaces.contains(.pid) ?? joinsProcesses
        // A process that joins a container finds the container's own.
        hasInit = joined == nil && configuration.initOrigin != nil
    }

    private static func state(_ configuration: Configuration) -> ContainerState {
        let id = configuration.container?.id ?? configuration.joined?.id
        var state = ContainerState(
            id: id?.text ?? "vfs-run-\(CurrentProcess.pid)",
            bundle: configuration.bundle, rootfs: configuration.root.mountpoint,
            ociVersion: configuration.ociVersion, annotations: configuration.annotations)
        state.process = configuration.joined?.process
        return state
    }

    private static func reachedUsers(_ configuration: Configuration) -> IDMap? {
        if configuration.privilege != .none { return nil }
        if configuration.joined != nil { return IDMap([]) }
        guard let namespace = configuration.userNamespace else { return nil }
        return namespace.mappings?.value.users ?? IDMap([])
    }

    private static func separatesQueues(_ configuration: Configuration) -> Bool {
        let namespaces = configuration.namespaces
        return configuration.joined == nil && configuration.userNamespace != nil
            && namespaces.joined.isEmpty && namespaces.new.value.contains(.ipc)
            && configuration.mounts.contains {
                if case .fileSystem("mqueue", _, _) = $0.kind { true } else { false }
            }
    }

    private static func writableControlGroups(
        _ configuration: Configuration
    ) -> Configuration.Mount? {
        guard configuration.namespaces.new.value.contains(.cgroup) else { return nil }
        return configuration.mounts.first {
            $0.kind == .controlGroups && PathText.cleaned($0.destination) == "/sys/fs/cgroup"
                && !$0.set.contains(.readOnly)
        }
    }
}

extension PlanFacts {
    /// Whether a helper joins the init process's namespaces by its files in /proc.
    var startsNetworkHelper: Bool {
        if case .helper = configuration.network?.value { true } else { false }
    }

    /// Whether the container has no such namespace of its own.
    func isShared(_ kind: NamespaceSet) -> Bool {
        !newNamespaces.contains(kind)
            && !configuration.namespaces.joined.contains { $0.value.kind == kind }
    }

    /// Whether a limit leaves the steps between the change of user and the program too few
    /// descriptors: those that wait for the start, run hooks or hand the seccomp listener over.
    /// Where there are none any limit will do.
    func isTight(_ limit: Setting<Configuration.Limit>) -> Bool {
        guard limit.value.resource == .openFiles else { return false }
        var opens = configuration.container?.waits == true || hasInit
        if configuration.joined == nil && !configuration.hooks[.startContainer].isEmpty {
            opens = true
        }
        if case .read(let profile) = configuration.seccomp?.value, profile.notifies {
            opens = true
        }
        if configuration.notices != nil { opens = true }
        return opens && limit.value.soft < 32 + UInt64(passedDescriptors)
    }

    /// Whether the init process, which has the caller's id until it has the container's, can enter the
    /// cgroup itself, which is faster: not where it may be in the user namespace of other processes, and
    /// not where systemd may have to move it.
    var entersGroupUnmapped: Bool {
        !entersNamespaces && configuration.userNamespace?.path == nil
            && configuration.controlGroup?.value.unit == nil
    }

    /// Below which a process of `exec` has a cgroup of its own.
    var innerGroups: [(controllers: String, path: String)] {
        configuration.limits.isEmpty ? [] : configuration.joined?.countingGroups ?? []
    }

    /// A process of `exec` is there to send signals to those of its container, and Landlock has them in
    /// another domain. In a pid namespace of the container's own it reaches no others.
    var landlockScopes: LandlockRules.Scopes {
        configuration.joined?.ownsProcesses == true
            ? .abstractSockets : [.abstractSockets, .signals]
    }

    /// The controllers of version 1 in whose hierarchies a limit holds, devices included; nil where
    /// no hierarchy is for writing: in namespaces of others a program could move their processes.
    var limitedControllers: Set<String>? {
        guard newNamespaces.isSuperset(of: [.cgroup, .pid]),
            let resources = configuration.controlGroup?.value.resources
        else { return nil }
        var found = Set(resources.controllers)
        if resources.devices.contains(where: { !$0.allow.value }) { found.insert("devices") }
        return found
    }

    /// Whether the limit of processes is lifted while the process enters its container.
    var liftsProcessLimit: Bool {
        entersProcesses
            && (configuration.process.limits.contains { $0.value.resource == .processes }
                || configuration.seccomp == nil || configuration.process.noNewPrivileges.value)
    }
}
