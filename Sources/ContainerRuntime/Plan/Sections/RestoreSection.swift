internal import LinuxSystem
internal import OCISpec

/// `restore`
enum RestoreSection: PlanSection {
    static let title = "The restore of a container"
    static let about = """
        `restore` takes the steps of a start up to the container's root, in a process that has a \
        mount namespace of its own and becomes criu. criu makes the processes, with their \
        namespaces, file systems and rights, from the images, and waits while the runtime process \
        does its part.
        """

    static var kinds: [any Step.Type] {
        [
            OpenImages.self, PrepareCRIU.self, MountStage.self, StageTrees.self,
            MakeMountPoints.self, BecomeCRIU.self, RestoreNamespaces.self,
            BringRestoredLoopbackUp.self, RestoreProcesses.self,
            ProtectRestoredRoot.self, VerifyRestored.self,
            ResumeProcesses.self,
        ]
    }

    static func plan(
        _ container: Configuration.Container, _ options: CheckpointOptions, _ facts: PlanFacts,
        _ plan: inout PlannedSteps
    ) throws(Failure) {
        try require(facts.configuration)
        planRuntime(container, options, facts, &plan)
        planTrees(container, facts, &plan)
        planProcesses(container, options, facts, &plan)
    }

    private static func require(_ configuration: Configuration) throws(Failure) {
        var lack: String?
        if configuration.userNamespace != nil { lack = "a user namespace" }
        if configuration.initOrigin != nil { lack = "vfs.init" }
        if configuration.landlock != nil { lack = "vfs.landlock" }
        if configuration.network != nil { lack = "vfs.network" }
        if configuration.joinsMounts { lack = "a mount namespace that exists" }
        if configuration.root.isBare { lack = "a root without layers" }
        if configuration.trees.contains(where: { $0.tree.upper == nil }) {
            lack = "a copy-on-write tree whose changes are thrown away"
        }
        guard let lack else { return }
        throw Failure("restore does not support a config with \(lack)")
    }

    /// The runtime process's half, as of a start.
    private static func planRuntime(
        _ container: Configuration.Container, _ options: CheckpointOptions, _ facts: PlanFacts,
        _ plan: inout PlannedSteps
    ) {
        let configuration = facts.configuration
        var hasUpper = false
        if case .overlay(let overlay) = configuration.root.source,
            case .throwaway = overlay.upper
        {
            hasUpper = true
        }
        plan.add(ListenForSignals())
        plan.add(RequireStreams())
        plan.add(
            OpenImages(options: options, hasUpper: hasUpper), .argument("--image-path"))
        plan.add(
            ReserveContainer(
                container: container, state: facts.state, hooks: configuration.hooks,
                document: facts.document))
        if case .overlay(let overlay) = configuration.root.source {
            RuntimeSection.planLocks(overlay, facts, &plan)
        }
        RuntimeSection.planTreeLocks(facts, &plan)
        for (mount, source) in configuration.bindSources where mount.idMapping != nil {
            plan.add(
                OpenBindSourceOnHost(source: source, idMapping: mount.idMapping, mappings: nil),
                mount.origin)
        }
        if facts.bindsControlGroups { plan.add(FindControlGroups(findsPaths: true)) }
        let inherited = configuration.namespaces.joined.compactMap { namespace in
            Spec.Linux.Namespace.Kind(rawValue: namespace.value.name)
                .flatMap(ExternalNamespace.init).map { ($0, path: namespace.value.path) }
        }
        plan.add(PrepareCRIU(namespaces: inherited))
        // Until the container is recorded nothing else would end what criu has made.
        plan.add(StartWatchdog())
        RuntimeSection.planGroups(facts, &plan)
        WatchSection.planSignals(facts, &plan)
    }

    /// The process that becomes criu, and the trees that it finds.
    private static func planTrees(
        _ container: Configuration.Container, _ facts: PlanFacts, _ plan: inout PlannedSteps
    ) {
        let configuration = facts.configuration
        plan.add(CreateNamespaces(namespaces: .mount))
        plan.add(ResetProcess())
        plan.add(TieToRuntime(isHidden: false))
        if let group = configuration.controlGroup {
            plan.add(EnterControlGroup(isOptional: group.value.isOptional), group.origin)
            if group.value.unit != nil {
                plan.add(LetAnchorGo(resources: group.value.resources), group.origin)
            }
            if separates(facts) { plan.add(SeparateControlGroups()) }
        }
        if let request = configuration.resourceDirector {
            plan.add(EnterResctrlGroup(), request.origin)
        }
        // Restored processes have the session keyring of the process that becomes criu.
        if container.hasOwnKeyring {
            if let label = configuration.process.label {
                plan.add(OpenPrivateProc())
                plan.add(LabelKeyring(label: label.value), label.origin)
            }
            plan.add(StartKeyring())
        }
        let propagation = Configuration.Propagation(kind: .slave, isRecursive: true)
        plan.add(
            SeparateMounts(
                propagation: propagation, mountpoint: configuration.root.mountpoint))
        for (mount, source) in configuration.bindSources where mount.idMapping == nil {
            plan.add(OpenBindSource(source: source), mount.origin)
        }
        if facts.bindsControlGroups { plan.add(OpenControlGroups()) }
        RootSection.planTrees(facts, &plan)
        plan.add(MountStage(path: container.store.directory(container.id)))
        plan.add(StageTrees(sources: configuration.mounts.count(where: \.hasSource)))
        plan.add(MakeMountPoints(mounts: configuration.mounts))
        plan.add(program: BecomeCRIU())
    }

    /// Whether criu is in a namespace of control groups, which the restored processes then are in:
    /// by itself it makes one only where it restores control groups too.
    private static func separates(_ facts: PlanFacts) -> Bool {
        facts.configuration.container?.restoring?.controlGroups == .ignore
            && facts.newNamespaces.contains(.cgroup)
    }

    /// The runtime process, beside criu.
    private static func planProcesses(
        _ container: Configuration.Container, _ options: CheckpointOptions, _ facts: PlanFacts,
        _ plan: inout PlannedSteps
    ) {
        let configuration = facts.configuration
        let sources = configuration.mounts.filter(\.hasSource).map(\.destination)
        let groups = configuration.mounts.first { $0.kind == .controlGroups }?.destination
        let joined = configuration.namespaces.joined.compactMap { namespace -> (String, String)? in
            guard let kind = Spec.Linux.Namespace.Kind(rawValue: namespace.value.name),
                ExternalNamespace(kind) == nil,
                let file = NamespaceKind.all.first(where: { $0.flag == namespace.value.kind })?.file
            else { return nil }
            return (file, namespace.value.path)
        }
        plan.add(
            RestoreNamespaces(
                options: options, annotations: configuration.annotations, sources: sources,
                groups: facts.bindsControlGroups ? groups : nil, joined: joined))
        if facts.newNamespaces.contains(.network) { plan.add(BringRestoredLoopbackUp()) }
        HooksSection.plan([.prestart, .createRuntime], facts, &plan)
        plan.add(RestoreProcesses())
        let readOnly = configuration.root.isReadOnly
        if readOnly.value { plan.add(ProtectRestoredRoot(), readOnly.origin) }
        plan.add(
            VerifyRestored(
                mounts: configuration.mounts, masked: configuration.maskedPaths.map(\.value),
                readOnly: configuration.readonlyPaths.map(\.value),
                rights: RestoredRights(configuration)))
        plan.add(
            RecordContainer(
                namespaces: facts.newNamespaces,
                ownsProcesses: facts.newNamespaces.contains(.pid),
                recordsStreams: configuration.process.terminal == nil, looks: true))
        if let path = container.pidFile {
            plan.add(WritePIDFile(path: path), .argument("--pid-file"))
        }
        plan.add(ResumeProcesses())
        plan.add(EndWatchdog())
        plan.add(UnlockContainer())
    }
}
