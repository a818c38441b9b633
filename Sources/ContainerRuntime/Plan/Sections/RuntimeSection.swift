internal import Layers
internal import LinuxSystem

/// The runtime process, on the host, before there is a process of the container's.
enum RuntimeSection: PlanSection {
    static let title = "The runtime process, on the host"
    static let about = """
        Nothing of the container's exists yet. What can be refused is refused here, and what only \
        the host shows is opened here.
        """

    static var kinds: [any Step.Type] {
        [
            RequireSeal.self, RequireStreams.self, OpenStreamFile.self, RelayStreams.self,
            RequireSELinux.self,
            FindMappings.self, RequireDescriptors.self, ReserveContainer.self,
            PrepareReadiness.self, LockLayer.self, MakeScratchUpper.self, LockUpper.self,
            PrepareSeccomp.self, NotifyOfCalls.self, OpenBindSourceOnHost.self, OpenFileSource.self,
            OpenRootDirectory.self,
            MountOverlayAside.self, FindControlGroups.self, OpenHostProc.self,
            FindProxy.self, MakeResctrlGroup.self, MakeControlGroup.self, GiveControlGroup.self,
            MoveNetworkDevice.self, PrepareInit.self,
        ]
    }

    static func plan(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        planRequirements(facts, &plan)
        if configuration.opensOnHost, let path = configuration.userNamespace?.path {
            plan.add(
                FindMappings(
                    path: path.value, expected: configuration.userNamespace?.mappings?.value),
                path.origin)
        }
        if let container = configuration.container { planContainer(container, facts, &plan) }
        if case .overlay(let overlay) = configuration.root.source {
            planLocks(overlay, facts, &plan)
        }
        planTreeLocks(facts, &plan)
        if let seccomp = configuration.seccomp {
            plan.add(
                PrepareSeccomp(
                    profile: seccomp.value, cache: facts.seccompCache,
                    hidesInit: configuration.privilege == .none), seccomp.origin)
            if let notices = configuration.notices {
                plan.add(NotifyOfCalls(notices: notices.value), notices.origin)
            }
        }
        planSources(facts, &plan)
        if facts.showsControlGroups {
            plan.add(
                FindControlGroups(
                    findsPaths: facts.bindsControlGroups, limited: facts.limitedControllers,
                    asksForWriting: configuration.mounts.contains {
                        $0.kind == .controlGroups && $0.clear.contains(.readOnly)
                    }))
        }
        if facts.joinsProcesses { plan.add(OpenHostProc()) }
        if let network = configuration.network, case .proxy(let path) = network.value {
            plan.add(FindProxy(path: path), network.origin)
        }
        if facts.hasInit { plan.add(PrepareInit(), configuration.initOrigin ?? .standard) }
        planGroups(facts, &plan)
    }

    /// The requirements of a start and of exec, before anything is made.
    static func planRequirements(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        let isAdapted = facts.reachedUsers != nil && configuration.joined == nil
        plan.add(RequireSeal(users: facts.reachedUsers), isAdapted ? .rootless : .standard)
        plan.add(ListenForSignals())
        plan.add(RequireStreams())
        for file in configuration.streamFiles {
            plan.add(OpenStreamFile(file: file), .argument(file.option))
        }
        if facts.relaysStreams || facts.countsOutput {
            let limit = facts.countsOutput ? configuration.limits.limits.output : nil
            plan.add(
                RelayStreams(
                    userID: configuration.hostUserID, relaysFiles: facts.relaysStreams,
                    outputLimit: limit?.value), limit?.origin ?? .standard)
        }
        if let joined = configuration.joined {
            planDescriptors(0, joined.preservedDescriptors, &plan)
        }
        let label = configuration.process.label
        if let label = configuration.joined == nil ? label ?? configuration.mountLabel : label {
            plan.add(RequireSELinux(), label.origin)
        }
    }

    private static func planDescriptors(
        _ listening: Int, _ preserved: Int, _ plan: inout PlannedSteps
    ) {
        if listening + preserved == 0 { return }
        plan.add(
            RequireDescriptors(listening: listening, preserved: preserved),
            .argument(preserved > 0 ? "--preserve-fds" : "LISTEN_FDS"))
    }

    private static func planContainer(
        _ container: Configuration.Container, _ facts: PlanFacts, _ plan: inout PlannedSteps
    ) {
        planDescriptors(container.listeningDescriptors, container.preservedDescriptors, &plan)
        plan.add(
            ReserveContainer(
                container: container, state: facts.state, hooks: facts.configuration.hooks,
                document: facts.document))
        if let host = container.notifySocket {
            plan.add(
                PrepareReadiness(host: host, listens: !container.waits),
                .argument("NOTIFY_SOCKET"))
        }
    }

    static func planLocks(
        _ overlay: Configuration.Root.Overlay, _ facts: PlanFacts, _ plan: inout PlannedSteps
    ) {
        // Layers first: one that is missing must not leave a new upper behind.
        let own = overlay.snapshots
        let locked =
            overlay.layers.dropLast(own.stacked.count)
            + overlay.layers.suffix(own.stacked.count)
            .dropFirst(own.merges ? 1 : 0).prefix(own.lockedCount)
        for layer in locked { plan.add(LockLayer(path: layer.value), layer.origin) }
        guard case .kept(let directory) = overlay.upper else { return }
        if overlay.isDiscarded {
            plan.add(MakeScratchUpper(directory: directory.value), directory.origin)
        }
        plan.add(
            LockUpper(
                directory: directory.value,
                record: KeptUpper.Record(overlay, of: facts.configuration), snapshots: own,
                isOfRoot: true,
                isHidden: overlay.isUpperHidden(directory.value, facts.configuration)),
            directory.origin)
    }

    static func planTreeLocks(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let trees = facts.configuration.trees
        for tree in trees { plan.add(LockLayer(path: tree.tree.path), tree.mount.origin) }
        for tree in trees {
            guard let directory = tree.tree.upper else { continue }
            plan.add(
                LockUpper(
                    directory: directory, record: tree.tree.record(of: facts.configuration),
                    snapshots: SnapshotPlan(), isOfRoot: false,
                    isHidden: facts.configuration.hides(
                        upper: directory, in: tree.tree.path, at: tree.mount.destination)),
                tree.mount.origin)
        }
    }

    /// The sources and the root, where the init process may not open them.
    private static func planSources(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        let mappings = configuration.userNamespace?.mappings?.value
        for (mount, source) in configuration.bindSources
        where configuration.opensOnHost || mount.idMapping != nil {
            plan.add(
                OpenBindSourceOnHost(
                    source: source, idMapping: mount.idMapping, mappings: mappings,
                    root: configuration.rootDirectory), mount.origin)
        }
        for file in configuration.files {
            switch file.content {
            case .source(let path, let number):
                plan.add(OpenFileSource(path: path, number: number), file.origin)
            case .files(_, let path, let number):
                plan.add(
                    OpenFileSource(path: path, number: number, isDirectory: true), file.origin)
            case .text, .ofJob, .link, .directory: break
            }
        }
        if configuration.opensOnHost { planRoot(facts, &plan) }
    }

    private static func planRoot(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        let mappings = configuration.userNamespace?.mappings?.value
        let trees = configuration.trees
        var aside = MountOverlayAside(
            overlay: nil, trees: trees.map { ($0.overlay(of: configuration), $0.position) },
            keepsUppers: trees.contains(where: \.tree.isRead), mappings: mappings)
        switch configuration.root.source {
        case .directory(let path):
            plan.add(OpenRootDirectory(path: path.value), path.origin)
            if let first = trees.first { plan.add(aside, first.mount.origin) }
        case .overlay(let overlay):
            aside.overlay = OverlayAssembly(overlay, of: configuration)
            plan.add(aside, overlay.origin)
            RootSection.planUpper(overlay, facts, &plan)
        }
        for tree in trees {
            RootSection.planRecord(tree, facts, &plan)
            guard tree.tree.isRead, tree.tree.upper == nil else { continue }
            plan.add(KeepUpper(tree: tree.tree.number), tree.mount.origin)
        }
    }

    /// Last, since nothing else of the runtime's work outlives it.
    static func planGroups(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        WatchSection.planWatchdog(facts, &plan)
        if let request = configuration.resourceDirector {
            plan.add(MakeResctrlGroup(request: request.value), request.origin)
        }
        guard let group = configuration.controlGroup else { return }
        plan.add(
            MakeControlGroup(
                group: group.value, sharesProcesses: !facts.newNamespaces.contains(.pid)),
            group.origin)
        if let mount = facts.writableControlGroups {
            plan.add(GiveControlGroup(user: configuration.hostUserID), mount.origin)
        }
    }
}
