internal import Cgroups
public import JSON
internal import Layers
internal import LinuxSystem
internal import OCISpec
public import Seccomp

/// Writes the plan of a start. The order of the container's steps and its reasons stand in
/// docs/steps.md; what breaks when a step moves stands at the step.
public struct Planner {
    private let configuration: Configuration
    private let document: JSONDocument
    private let seccompCache: SeccompCache
    private var steps: [PlannedStep] = []
    private var attachedBinds = 0

    public static func plan(
        _ configuration: Configuration, document: JSONDocument, file: String,
        seccompCache: SeccompCache
    ) -> Plan {
        var planner = Planner(
            configuration: configuration, document: document, seccompCache: seccompCache)
        if let joined = configuration.joined {
            planner.planJoining(joined)
        } else {
            planner.planRuntime()
            planner.planContainer()
        }
        let isJoining = configuration.joined != nil
        var plan = Plan(
            steps: planner.steps, namespaces: isJoining ? [] : planner.clonedNamespaces,
            hasTerminal: configuration.process.terminal != nil, document: document, file: file)
        if let container = configuration.container {
            plan.consoleSocket = container.consoleSocket
            plan.isTied = false
            plan.adoptsOrphans = container.adoptsOrphans
            plan.isKept = container.isKept
        }
        if case .overlay(let overlay) = configuration.root.source, overlay.isCompared {
            plan.compared = KeptUpper.Record(overlay, of: configuration)
            plan.compared?.layers = overlay.layers.map(\.value)
        }
        if let joined = configuration.joined {
            plan.consoleSocket = joined.consoleSocket
            plan.isTied = false
        }
        plan.entersLate = planner.entersProcesses
        // Nobody else would end what its first process leaves behind.
        if plan.isTied && !plan.namespaces.contains(.pid) { plan.adoptsOrphans = true }
        return plan
    }

    private init(configuration: Configuration, document: JSONDocument, seccompCache: SeccompCache) {
        self.configuration = configuration
        self.document = document
        self.seccompCache = seccompCache
    }

    /// What hooks and other commands are told of the container.
    private var state: ContainerState {
        let id = configuration.container?.id ?? configuration.joined?.id
        var state = ContainerState(
            id: id?.text ?? "vfs-run-\(CurrentProcess.pid)",
            bundle: configuration.bundle, rootfs: configuration.root.mountpoint,
            ociVersion: configuration.ociVersion, annotations: configuration.annotations)
        state.process = configuration.joined?.process
        return state
    }

    private mutating func add(_ step: some Step, _ origin: Origin = .standard) {
        steps.append(PlannedStep(step: step, origin: origin))
    }

    private mutating func add(_ step: some SpawningStep, _ origin: Origin = .standard) {
        steps.append(PlannedStep(step: step, origin: origin, spawning: step))
    }

    // MARK: The runtime process

    /// Nil for root.
    private var reachedUsers: IDMap? {
        guard configuration.privilege == .none && configuration.userNamespace != nil else {
            return nil
        }
        return configuration.userNamespace?.mappings?.value.users ?? IDMap([])
    }

    private mutating func planRuntime() {
        add(RequireSeal(users: reachedUsers), reachedUsers == nil ? .standard : .rootless)
        add(RequireStreams())
        if relaysStreams { add(RelayStreams(userID: configuration.hostUserID)) }
        if let label = configuration.process.label ?? configuration.mountLabel {
            add(RequireSELinux(), label.origin)
        }
        if configuration.opensOnHost, let path = configuration.userNamespace?.path {
            add(
                FindMappings(
                    path: path.value, expected: configuration.userNamespace?.mappings?.value),
                path.origin)
        }
        if let container = configuration.container {
            planDescriptors(container.listeningDescriptors, container.preservedDescriptors)
            add(
                ReserveContainer(
                    container: container, state: state, hooks: configuration.hooks,
                    document: document))
            if let host = container.notifySocket {
                add(
                    PrepareReadiness(host: host, listens: !container.waits),
                    .argument("NOTIFY_SOCKET"))
            }
        }
        if case .overlay(let overlay) = configuration.root.source {
            // Layers first: one that is missing must not leave a new upper behind.
            let own = overlay.snapshots
            let locked =
                overlay.layers.dropLast(own.stacked.count)
                + overlay.layers.suffix(own.stacked.count)
                .dropFirst(own.merges ? 1 : 0).prefix(own.lockedCount)
            for layer in locked { add(LockLayer(path: layer.value), layer.origin) }
            if case .kept(let directory) = overlay.upper {
                if overlay.isDiscarded {
                    add(MakeScratchUpper(directory: directory.value), directory.origin)
                }
                add(
                    LockUpper(
                        directory: directory.value,
                        record: KeptUpper.Record(overlay, of: configuration),
                        snapshots: own),
                    directory.origin)
            }
        }
        if let seccomp = configuration.seccomp {
            add(
                PrepareSeccomp(profile: seccomp.value, cache: seccompCache),
                seccomp.origin)
        }
        planSources(.runtime)
        if showsControlGroups { add(FindControlGroups(findsPaths: bindsControlGroups)) }
        if joinsProcesses { add(OpenHostProc()) }
        if let request = configuration.resourceDirector {
            add(MakeResctrlGroup(request: request.value), request.origin)
        }
        // Last, since nothing else of the runtime's work outlives it.
        if let group = configuration.controlGroup {
            add(
                MakeControlGroup(
                    group: group.value,
                    ownsProcesses: configuration.namespaces.new.value.contains(.pid)),
                group.origin)
            if let mount = writableControlGroups {
                add(GiveControlGroup(user: configuration.hostUserID), mount.origin)
            }
        }
        planInitProcess()
        if let namespace = configuration.userNamespace { planMappings(namespace) }
    }

    private mutating func planInitProcess() {
        let new = clonedNamespaces
        let origin = configuration.namespaces.new.origin
        guard entersNamespaces else { return add(CreateNamespaces(namespaces: new), origin) }
        // Whoever makes a time namespace is in the user namespace that owns it.
        let before: NamespaceSet = new.contains(.time) ? new.intersection([.user, .time]) : []
        let namespace = configuration.userNamespace
        add(
            EnterNamespaces(
                joined: configuration.namespaces.joined.map(\.value),
                cloned: new.subtracting(before), before: before,
                mappings: namespace?.mappings?.value, writer: namespace?.writer ?? .runtime,
                timeOffsets: configuration.timeOffsets.map(\.value), procCount: procCount),
            configuration.namespaces.joined.first?.origin ?? origin)
    }

    /// Whether it takes a process in between to make the init process.
    private var entersNamespaces: Bool {
        let namespaces = configuration.namespaces
        if namespaces.joined.isEmpty { return namespaces.new.value.contains(.time) }
        return configuration.userNamespace != nil || namespaces.new.value.contains(.time)
            || namespaces.joined.contains { $0.value.kind == .time }
    }

    /// Whether the container joins the pid namespace of a container that exists.
    private var joinsProcesses: Bool {
        configuration.namespaces.joined.contains { $0.value.kind == .pid }
    }

    /// How many mounts of proc the container has.
    private var procCount: Int {
        configuration.mounts.count {
            if case .fileSystem("proc", _, _) = $0.kind { true } else { false }
        }
    }

    /// Whether the process that prepares the container stays outside of the container's pid
    /// namespace, where other processes are already, and makes the container process in it at the end.
    private var entersProcesses: Bool {
        configuration.joined?.namespaces.contains(.pid) ?? joinsProcesses
    }

    /// What the init process waits for first of all: until its ids are mapped it can do nothing.
    private mutating func planMappings(_ namespace: Configuration.UserNamespace) {
        add(TieToRuntime(isHidden: configuration.privilege != .none))
        if let group = configuration.controlGroup {
            // The files of the host's control groups are not its own.
            add(
                EnterControlGroup(side: .runtime, isOptional: group.value.isOptional), group.origin)
        }
        if let request = configuration.resourceDirector {
            add(EnterResctrlGroup(side: .runtime), request.origin)
        }
        let isMapped = namespace.path != nil || configuration.namespaces.new.value.contains(.time)
        if !isMapped, let mappings = namespace.mappings {
            add(
                WriteMappings(mappings: mappings.value, writer: namespace.writer),
                mappings.origin)
        }
        add(
            BecomeNamespaceRoot(
                mapped: namespace.mappings?.value, configuration.process.user.value),
            namespace.mappings?.origin ?? .standard)
    }

    /// The namespaces that `clone3` makes. That of cgroups is made later where the container has a
    /// cgroup of its own, from inside it.
    private var clonedNamespaces: NamespaceSet {
        let new = configuration.namespaces.new.value
        return configuration.controlGroup == nil ? new : new.subtracting(.cgroup)
    }

    private var showsControlGroups: Bool {
        configuration.mounts.contains { $0.kind == .controlGroups }
    }

    /// Without a namespace of cgroups the container is shown its own by binding them.
    private var bindsControlGroups: Bool {
        let namespaces = configuration.namespaces
        return showsControlGroups && !namespaces.new.value.contains(.cgroup)
            && !namespaces.joined.contains { $0.value.kind == .cgroup }
    }

    /// Where the config asks for its own cgroups to write to.
    private var writableControlGroups: Configuration.Mount? {
        guard configuration.namespaces.new.value.contains(.cgroup) else { return nil }
        return configuration.mounts.first {
            $0.kind == .controlGroups && HostName.cleaned($0.destination) == "/sys/fs/cgroup"
                && !$0.set.contains(.readOnly)
        }
    }

    /// Of the one-shot form, whose program has a terminal of its own or the caller's streams. Engines
    /// pass what they want the program to have.
    private var relaysStreams: Bool {
        configuration.container == nil && configuration.joined == nil
            && configuration.process.terminal == nil
    }

    private mutating func planDescriptors(_ listening: Int, _ preserved: Int) {
        if listening + preserved == 0 { return }
        add(
            RequireDescriptors(listening: listening, preserved: preserved),
            .argument(preserved > 0 ? "--preserve-fds" : "LISTEN_FDS"))
    }

    // MARK: A process in a container that exists

    /// The same steps as of a start, without those that make what is there already.
    private mutating func planJoining(_ joined: Configuration.JoinedContainer) {
        let process = configuration.process
        let isRootless = configuration.privilege == .none
        add(RequireSeal(users: isRootless ? IDMap([]) : nil))
        add(RequireStreams())
        planDescriptors(0, joined.preservedDescriptors)
        if let label = process.label { add(RequireSELinux(), label.origin) }
        if let seccomp = configuration.seccomp {
            add(PrepareSeccomp(profile: seccomp.value, cache: seccompCache), seccomp.origin)
        }
        add(
            JoinContainer(
                id: joined.id, process: joined.process, namespaces: joined.namespaces,
                preserved: joined.preservedDescriptors,
                controlGroup: ControlGroup(paths: joined.controlGroup, unit: joined.unit),
                inner: joined.innerControlGroups, resctrlGroup: joined.resctrlGroup,
                hasTerminal: process.terminal != nil,
                affinity: process.initialAffinity?.value,
                takesProc: process.appArmorProfile != nil || process.label != nil
                    || (process.oomScoreAdjustment != nil && !configuration.opensOnHost)))
        add(TieToRuntime())
        if joined.namespaces.contains(.user) {
            add(BecomeNamespaceRoot(user: nil, group: nil))
        }
        if let cpus = process.finalAffinity {
            add(SetAffinity(cpus: cpus.value), cpus.origin)
        } else if process.initialAffinity == nil {
            add(SetAffinity(cpus: .all))
        }
        add(OpenRoot())
        if let terminal = process.terminal {
            add(
                OpenTerminal(
                    size: terminal.value.size, userID: process.user.value.userID, isConsole: false),
                terminal.origin)
        }
        planProcess()
    }

    // MARK: The init process

    private mutating func planContainer() {
        if configuration.userNamespace == nil { add(TieToRuntime()) }
        if let group = configuration.controlGroup {
            if configuration.userNamespace == nil {
                add(EnterControlGroup(isOptional: group.value.isOptional), group.origin)
            }
            if group.value.unit != nil {
                add(LetAnchorGo(resources: group.value.resources), group.origin)
            }
            if configuration.namespaces.new.value.contains(.cgroup) {
                add(SeparateControlGroups(), configuration.namespaces.new.origin)
            }
        }
        // What an engine is bound to is its own affair. Whoever types the one-shot form means it.
        if configuration.container != nil { add(SetAffinity(cpus: .all)) }
        if let request = configuration.resourceDirector, configuration.userNamespace == nil {
            add(EnterResctrlGroup(), request.origin)
        }
        if !entersNamespaces {
            for joined in configuration.namespaces.joined
            where joined.value.kind != .mount {
                if joined.value.kind == .pid {
                    add(
                        JoinProcesses(namespace: joined.value, procCount: procCount),
                        joined.origin)
                } else {
                    add(JoinNamespace(namespace: joined.value), joined.origin)
                }
            }
        }
        if configuration.joinsMounts { return planJoinedMounts() }
        planRoot()
        // Hooks of the host's want to see both trees, with the mounts made; otherwise the host's is
        // let go first.
        let hooks = configuration.hooks
        let hasHostHooks =
            !(hooks.prestart.isEmpty && hooks.createRuntime.isEmpty
            && hooks.createContainer.isEmpty)
        // A user namespace mounts only what it sees mounted, and has the host's devices.
        let pivotsLate = hasHostHooks || configuration.isRestricted
        if !pivotsLate { planPivot() }
        // A /dev of the image's own could hold anything; a fresh one holds what the runtime makes.
        let hasDev = configuration.mounts.contains { HostName.cleaned($0.destination) == "/dev" }
        if !hasDev { planMount(.devices) }
        for mount in configuration.mounts { planMount(mount) }
        planDevices()
        for mount in configuration.mounts where mount.isFilledFirst { planReadOnly(mount) }
        if pivotsLate {
            for kind in [Configuration.Hooks.Kind.prestart, .createRuntime, .createContainer] {
                planHooks(kind)
            }
            planPivot()
        }
        planPaths()
        planKernel()
        planProcess()
    }

    /// Behind all whose paths are the host's; what is mounted there stays as it is.
    private mutating func planJoinedMounts() {
        for kind in [Configuration.Hooks.Kind.prestart, .createRuntime] { planHooks(kind) }
        for joined in configuration.namespaces.joined where joined.value.kind == .mount {
            add(JoinNamespace(namespace: joined.value), joined.origin)
        }
        add(OpenRoot())
        if let terminal = configuration.process.terminal {
            add(
                OpenTerminal(
                    size: terminal.value.size, userID: configuration.process.user.value.userID,
                    isConsole: false), terminal.origin)
        }
        planKernel()
        planProcess()
    }

    private mutating func planRoot() {
        let propagation = configuration.rootfsPropagation
        add(
            SeparateMounts(
                propagation: propagation.value, mountpoint: configuration.root.mountpoint),
            propagation.origin)
        if configuration.isRestricted && (!joinsProcesses || waits) {
            add(OpenPrivateProc(isOfJoined: joinsProcesses))
        }
        planSources(.container)
        if bindsControlGroups { add(OpenControlGroups()) }
        if configuration.opensOnHost { return add(AttachRoot()) }
        switch configuration.root.source {
        case .directory(let path):
            add(MountRootDirectory(path: path.value), path.origin)
        case .overlay(let overlay):
            add(
                MountOverlay(
                    overlay, label: configuration.mountLabel?.value,
                    privilege: configuration.privilege), overlay.origin)
            planUpper(overlay, .container)
        }
    }

    /// What is kept is written down; what is thrown away is looked at first, where somebody wants to
    /// see it.
    private mutating func planUpper(_ overlay: Configuration.Root.Overlay, _ side: Side) {
        if case .kept(let directory) = overlay.upper {
            add(
                RecordUpper(
                    directory: directory.value,
                    record: KeptUpper.Record(overlay, of: configuration)),
                directory.origin)
        }
        if overlay.isCompared, case .throwaway = overlay.upper {
            add(HandOverUpper(side: side), .argument("--diff"))
        }
    }

    /// What the container is made of is opened by the process that may do so.
    private mutating func planSources(_ side: Side) {
        let mappings = configuration.userNamespace?.mappings?.value
        var position = 0
        for mount in configuration.mounts {
            guard case .bind(let source, let isRecursive) = mount.kind else { continue }
            let isOnHost = configuration.opensOnHost || mount.idMapping != nil
            if isOnHost == (side == .runtime) {
                var step = OpenBindSource(
                    source: source, isRecursive: isRecursive, position: position, side: side)
                step.idMapping = mount.idMapping
                step.mappings = mappings
                add(step, mount.origin)
            }
            position += 1
        }
        guard side == .runtime && configuration.opensOnHost else { return }
        switch configuration.root.source {
        case .directory(let path): add(OpenRootDirectory(path: path.value), path.origin)
        case .overlay(let overlay):
            add(
                MountOverlay(
                    overlay, label: configuration.mountLabel?.value, side: .runtime,
                    mappings: mappings, privilege: configuration.privilege), overlay.origin)
            planUpper(overlay, .runtime)
        }
    }

    private mutating func planPivot() {
        add(PivotRoot())
        let propagation = configuration.rootfsPropagation
        if propagation.value.kind != .slave {
            add(SetRootPropagation(propagation: propagation.value), propagation.origin)
        }
    }

    private mutating func planHooks(_ kind: Configuration.Hooks.Kind) {
        let hooks = configuration.hooks[kind]
        guard let first = hooks.first else { return }
        let environment =
            switch kind {
            case .createContainer: [String]()
            case .startContainer: configuration.process.environment
            default: CurrentProcess.environment
            }
        add(
            RunHooks(kind: kind, hooks: hooks, state: state, environment: environment),
            first.origin)
    }

    /// Whether the container has no such namespace of its own.
    private func isShared(_ kind: NamespaceSet) -> Bool {
        !configuration.namespaces.new.value.contains(kind)
            && !configuration.namespaces.joined.contains { $0.value.kind == kind }
    }

    private mutating func planFileSystem(
        _ mount: Configuration.Mount, _ type: String, _ source: String?,
        _ parameters: [Configuration.Mount.Parameter]
    ) {
        let isRestricted = configuration.isRestricted
        // What the host's file system of that type shows, where it has one.
        let shown = HostStandIn.namespace(of: type)
        let isShared = shown.map(isShared) ?? false
        let isHosts = isRestricted && configuration.privilege != .nested && isShared
        add(
            MountFileSystem(
                mount: mount, type: type, source: source, parameters: parameters,
                label: configuration.mountLabel?.value, isRestricted: isRestricted,
                mayStandIn: isRestricted && shown != nil && (type != "proc" || isShared),
                showsOwn: shown.map(configuration.namespaces.new.value.contains) ?? false,
                isHosts: isHosts),
            isHosts && configuration.privilege == .none ? .rootless : mount.origin)
    }

    private mutating func planMount(_ mount: Configuration.Mount) {
        switch mount.kind {
        case .bind(let source, _):
            add(
                AttachBind(mount: mount, source: source, position: attachedBinds), mount.origin)
            attachedBinds += 1
        case .fileSystem(let type, let source, let parameters):
            planFileSystem(mount, type, source, parameters)
        case .controlGroups:
            let isForWriting =
                configuration.controlGroup != nil
                && writableControlGroups?.destination == mount.destination
            add(MountControlGroups(mount: mount, isForWriting: isForWriting), mount.origin)
        case .remount: add(Remount(mount: mount), mount.origin)
        }
    }

    /// Once everything is in it that the runtime puts there.
    private mutating func planReadOnly(_ mount: Configuration.Mount) {
        var protected = mount
        (protected.set, protected.clear) = (.readOnly, [])
        (protected.setRecursively, protected.clearRecursively) = ([], [])
        protected.propagation = []
        protected.optionText = "ro"
        add(Remount(mount: protected), mount.origin)
    }

    private mutating func planDevices() {
        let binds = configuration.isRestricted
        if configuration.makesDefaultDevices {
            add(
                MakeDefaultDevices(binds: binds),
                configuration.privilege == .none ? .rootless : .standard)
        }
        for device in configuration.devices {
            add(MakeDevice(device: device, binds: binds), device.origin)
        }
        if let terminal = configuration.process.terminal {
            add(
                OpenTerminal(
                    size: terminal.value.size, userID: configuration.process.user.value.userID),
                terminal.origin)
        }
    }

    private mutating func planPaths() {
        // Engines put their list behind the user's: what stands twice is masked once.
        var masked: Set<String> = []
        for path in configuration.maskedPaths where masked.insert(path.value).inserted {
            add(
                MaskPath(path: path.value, label: configuration.mountLabel?.value), path.origin)
        }
        for path in configuration.readonlyPaths {
            add(ProtectPath(path: path.value), path.origin)
        }
        add(CheckMountPoints())
    }

    private mutating func planKernel() {
        if let name = configuration.hostname { add(SetHostName(name: name.value), name.origin) }
        if let name = configuration.domainname {
            add(SetDomainName(name: name.value), name.origin)
        }
        if configuration.namespaces.new.value.contains(.network) { add(BringLoopbackUp()) }
        for device in configuration.networkDevices {
            add(
                MoveNetworkDevice(name: device.value.name, newName: device.value.newName),
                device.origin)
        }
        for parameter in configuration.sysctl {
            add(
                SetSystemControl(path: parameter.value.key, value: parameter.value.value),
                parameter.origin)
        }
    }

    private mutating func planProcess() {
        let process = configuration.process
        // Of exec, root's alone: nobody else can write it from inside, and it confines nothing.
        let mayScore = configuration.joined == nil || configuration.privilege == .full
        if let score = process.oomScoreAdjustment, mayScore {
            // A user namespace does not own the file.
            add(
                SetOutOfMemoryScore(
                    score: score.value,
                    side: configuration.opensOnHost ? .runtime : .container,
                    isRequired: configuration.privilege != .none), score.origin)
        }
        if let domain = configuration.personality {
            add(SetPersonality(domain: domain.value), domain.origin)
        }
        if let policy = configuration.memoryPolicy {
            add(SetMemoryPolicy(policy: policy.value), policy.origin)
        }
        let enters = entersProcesses
        if let scheduling = process.scheduling, !enters || scheduling.value.isInherited {
            add(SetScheduling(attributes: scheduling.value), scheduling.origin)
        }
        if let priority = process.inputOutputPriority {
            add(SetInputOutputPriority(priority: priority.value), priority.origin)
        }
        let container = configuration.container
        if let label = process.label, container?.hasOwnKeyring ?? true {
            add(LabelKeyring(label: label.value), label.origin)
        }
        let joined = configuration.joined
        if enters {
            if container?.hasOwnKeyring ?? true { add(StartKeyring()) }
        } else {
            add(
                StartSession(
                    hasTerminal: process.terminal != nil,
                    hasOwnKeyring: container?.hasOwnKeyring ?? true))
        }
        if container != nil || joined != nil {
            add(GiveStreams(userID: process.user.value.userID), process.user.origin)
        }
        if relaysStreams { add(TakeStreams()) }
        add(
            EnterWorkingDirectory(
                path: process.workingDirectory.value,
                isMade: joined == nil && !configuration.joinsMounts),
            process.workingDirectory.origin)
        // Behind what makes directories in it, of which the working directory is the last.
        let readOnly = configuration.root.isReadOnly
        if readOnly.value && joined == nil { add(ProtectRoot(), readOnly.origin) }
        if !Environment.hasHome(process.environment) {
            add(FindHome(userID: process.user.value.userID))
        }
        // Both hold from exec on. Before the user changes: the files are root's.
        if let profile = process.appArmorProfile {
            add(SetAppArmorProfile(profile: profile.value), profile.origin)
        }
        if let label = process.label { add(LabelProgram(label: label.value), label.origin) }
        let filter = configuration.seccomp
        if waits { add(PrepareGate(isInJoined: joinsProcesses)) }
        // Behind what opens files: they would count against RLIMIT_NOFILE. Before the user changes:
        // who may raise no limit, and whose processes RLIMIT_NPROC counts from that moment on.
        let tight = process.limits.filter(isTight)
        let counted = process.limits.first { $0.value.resource == .processes }
        let lifts = enters && (counted != nil || filter == nil || process.noNewPrivileges.value)
        for limit in process.limits where !isTight(limit) {
            if lifts && limit.value.resource == .processes { continue }
            add(SetLimit(limit: limit.value), limit.origin)
        }
        if lifts { add(LiftProcessLimit(), counted?.origin ?? .standard) }
        add(
            LeaveCallersLimits(
                setsFiles: process.limits.contains { $0.value.resource == .openFiles }))
        add(DropBoundingSet(sets: process.capabilities.value), process.capabilities.origin)
        // Before the filter, wherever that is: profiles for older kernels know no close_range.
        let preserved =
            container.map { $0.listeningDescriptors + $0.preservedDescriptors }
            ?? joined?.preservedDescriptors ?? 0
        add(CloseDescriptors(preserved: preserved))
        if process.noNewPrivileges.value {
            add(ForbidNewPrivileges(), process.noNewPrivileges.origin)
        } else if let filter {
            // Without no-new-privileges only CAP_SYS_ADMIN may install a filter, and that is
            // about to go: the profile then has to allow what the next steps do.
            planFilter(filter)
        }
        add(
            ChangeUser(
                user: process.user.value, mayLackGroups: configuration.isRestricted),
            process.user.origin)
        add(SetCapabilities(sets: process.capabilities.value), process.capabilities.origin)
        if container != nil || joined != nil {
            // Before anybody is told of the container: the error is the creation's.
            let search = ProgramSearch(
                arguments: process.arguments.value, environment: process.environment)
            add(FindProgram(search: search), process.arguments.origin)
        }
        add(
            VerifyRights(
                sets: process.capabilities.value, user: process.user.value,
                mayLackGroups: configuration.isRestricted,
                forbidsNewPrivileges: process.noNewPrivileges.value,
                limits: process.limits.map(\.value).filter { limit in
                    !(lifts && limit.resource == .processes)
                        && !tight.contains { $0.value.resource == limit.resource }
                },
                isFiltered: filter != nil && !process.noNewPrivileges.value))
        if enters { planEntry() }
        if lifts { add(SetProcessLimit(limit: counted?.value), counted?.origin ?? .standard) }
        if container != nil || joined != nil { add(LetGo()) }
        if process.noNewPrivileges.value, let filter { planFilter(filter) }
        if let container { planRecord(container) }
        planReport(
            pidFile: container?.pidFile ?? joined?.pidFile,
            pidfdSocket: container?.pidfdSocket ?? joined?.pidfdSocket)
        if container?.waits == true { add(AwaitStart()) }
        if joined == nil { planHooks(.startContainer) }
        for limit in tight { add(SetLimit(limit: limit.value), limit.origin) }
        add(
            Execute(arguments: process.arguments.value, environment: process.environment),
            process.arguments.origin)
        // create leaves them to start.
        if joined == nil && container?.waits != true { planHooks(.poststart) }
    }

    /// Behind the last step that takes more rights than the program has.
    private mutating func planEntry() {
        let process = configuration.process
        if process.terminal != nil { add(TakeTerminal()) }
        add(EnterProcesses())
        if configuration.joined == nil && configuration.container == nil { add(WatchProcess()) }
        if let scheduling = process.scheduling, !scheduling.value.isInherited {
            add(SetScheduling(attributes: scheduling.value, side: .runtime), scheduling.origin)
        }
        add(StartSession(hasTerminal: process.terminal != nil, hasOwnKeyring: false))
    }

    /// Whether the container process waits for `start`.
    private var waits: Bool { configuration.container?.waits == true }

    /// Whether a limit leaves the steps between the change of user and the program too few
    /// descriptors: those that wait for the start, run hooks or hand the seccomp listener over.
    /// Where there are none any limit will do.
    private func isTight(_ limit: Setting<Configuration.Limit>) -> Bool {
        guard limit.value.resource == .openFiles else { return false }
        let container = configuration.container
        let passed =
            container.map { $0.listeningDescriptors + $0.preservedDescriptors }
            ?? configuration.joined?.preservedDescriptors ?? 0
        var opens = container?.waits == true
        if configuration.joined == nil && !configuration.hooks[.startContainer].isEmpty {
            opens = true
        }
        if case .read(let profile) = configuration.seccomp?.value, profile.notifies {
            opens = true
        }
        return opens && limit.value.soft < 32 + UInt64(passed)
    }

    private mutating func planFilter(_ filter: Setting<Configuration.SeccompProfile>) {
        add(InstallSeccomp(), filter.origin)
        guard case .read(let profile) = filter.value, profile.notifies,
            let path = profile.listenerPath
        else { return }
        add(
            PassListener(
                path: HostName.absolute(path.value, from: configuration.bundle),
                metadata: profile.listenerMetadata?.value, state: state,
                status: configuration.joined == nil ? .creating : .running),
            filter.origin)
    }

    /// The container is there: whoever asked for it is told.
    private mutating func planRecord(_ container: Configuration.Container) {
        let all = configuration.namespaces.joined.reduce(configuration.namespaces.new.value) {
            $0.union($1.value.kind)
        }
        if case .overlay(let overlay) = configuration.root.source,
            case .kept(let directory) = overlay.upper
        {
            add(HoldUpper(directory: directory.value), directory.origin)
        }
        add(
            RecordContainer(
                namespaces: all,
                ownsProcesses: configuration.namespaces.new.value.contains(.pid)))
    }

    /// Whoever asked for the process is told of it.
    private mutating func planReport(pidFile: String?, pidfdSocket: String?) {
        if let pidFile { add(WritePIDFile(path: pidFile), .argument("--pid-file")) }
        guard let pidfdSocket else { return }
        // What runc says there.
        let word = configuration.joined == nil ? "standard" : "setns"
        add(SendPIDFD(path: pidfdSocket, word: word), .argument("--pidfd-socket"))
    }
}

extension Configuration {
    /// The user of the host that the program runs as.
    var hostUserID: UInt32 {
        let id = process.user.value.userID
        return userNamespace?.mappings?.value.users.outside(of: id) ?? id
    }
}

extension KeptUpper.Record {
    init(_ overlay: Configuration.Root.Overlay, of configuration: Configuration) {
        self.init(
            layers: overlay.layers.dropLast(overlay.snapshots.stacked.count).map(\.value),
            options: overlay.mountOptions(configuration.privilege),
            owners: configuration.userNamespace?.mappings?.value)
    }
}

extension Configuration.Root.Overlay {
    /// The overlay's options. Attributes that are the machine's root's alone are kept in others for
    /// who is not, which belong to the user. What has to be found in the upper afterwards is not put
    /// into an index, whatever the kernel's default is.
    func mountOptions(_ privilege: Configuration.Privilege) -> [String] {
        var named = options.map(\.value)
        if privilege != .full && !named.contains("userxattr") { named.append("userxattr") }
        if isReadLater && !named.contains(where: { $0.hasPrefix("index=") }) {
            named.append("index=off")
        }
        return named
    }

    /// Whether something reads the upper when the container has ended.
    var isReadLater: Bool {
        if case .kept = upper { return !isDiscarded || isCompared }
        return isCompared
    }
}

extension Configuration.Root {
    /// The directory of the host that the container's root is mounted on.
    var mountpoint: String {
        switch source {
        case .directory(let path): path.value
        case .overlay(let overlay): overlay.layers[0].value
        }
    }
}
