internal import Layers
internal import LinuxSystem

/// The root of the container, and letting go of the host's.
enum RootSection: PlanSection {
    static let title = "The root"
    static let about = """
        Mounts are made detached and attached to an opened target. No path inside of the \
        container's tree is ever joined to one of the host.
        """

    static var kinds: [any Step.Type] {
        [
            SeparateMounts.self, OpenPrivateProc.self, OpenJoinedProc.self, OpenBindSource.self,
            OpenControlGroups.self, OpenOverlay.self, AttachRoot.self, MountRootDirectory.self,
            MountOverlay.self,
            MountCopyOnWriteTree.self,
            RecordUpper.self, HandOverUpper.self, KeepUpper.self,
            PivotRoot.self, SetRootPropagation.self,
        ]
    }

    static func plan(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        let propagation = configuration.rootfsPropagation
        plan.add(
            SeparateMounts(
                propagation: propagation.value, mountpoint: configuration.root.mountpoint),
            propagation.origin)
        if configuration.isRestricted && !facts.joinsProcesses {
            plan.add(OpenPrivateProc())
        } else if configuration.isRestricted && configuration.container?.waits == true {
            plan.add(OpenJoinedProc())
        }
        for (mount, source) in configuration.bindSources
        where !configuration.opensOnHost && mount.idMapping == nil {
            plan.add(
                OpenBindSource(source: source, root: configuration.rootDirectory), mount.origin)
        }
        if facts.bindsControlGroups { plan.add(OpenControlGroups()) }
        planOverlays(facts, &plan)
        planTrees(facts, &plan)
    }

    /// The root, and copy-on-write trees.
    static func planTrees(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        planRoot(facts, &plan)
        if configuration.opensOnHost { return }
        for tree in configuration.trees {
            plan.add(
                MountCopyOnWriteTree(
                    overlay: tree.overlay(of: configuration), position: tree.position,
                    number: tree.tree.number),
                tree.mount.origin)
            if tree.tree.isRead && tree.tree.upper == nil {
                plan.add(HandOverUpper(tree: tree.tree.number), tree.mount.origin)
            }
            planRecord(tree, facts, &plan)
        }
    }

    private static func planOverlays(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        var position = 0
        for mount in configuration.mounts where mount.hasSource {
            if let overlay = MountedOverlay(mount) {
                plan.add(
                    OpenOverlay(
                        overlay: overlay, bundle: configuration.bundle,
                        root: configuration.rootDirectory, position: position,
                        label: configuration.mountLabel?.value), mount.origin)
            }
            position += 1
        }
    }

    private static func planRoot(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        if configuration.opensOnHost { return plan.add(AttachRoot()) }
        switch configuration.root.source {
        case .directory(let path):
            plan.add(MountRootDirectory(path: path.value), path.origin)
        case .overlay(let overlay):
            plan.add(
                MountOverlay(overlay: OverlayAssembly(overlay, of: configuration)), overlay.origin)
            planUpper(overlay, facts, &plan)
        }
    }

    /// An upper that is kept is recorded; one that is thrown away is handed over where the caller
    /// wants to see it.
    static func planUpper(
        _ overlay: Configuration.Root.Overlay, _ facts: PlanFacts, _ plan: inout PlannedSteps
    ) {
        switch overlay.upper {
        case .kept(let directory):
            plan.add(
                RecordUpper(
                    directory: directory.value,
                    record: KeptUpper.Record(overlay, of: facts.configuration)), directory.origin)
        case .throwaway where !overlay.isCompared && !overlay.isMeasured: break
        case .throwaway where facts.configuration.opensOnHost:
            plan.add(KeepUpper(), overlay.reader)
        case .throwaway:
            plan.add(HandOverUpper(), overlay.reader)
        }
    }

    /// Of an upper that keeps what is written to a copy-on-write tree.
    static func planRecord(
        _ tree: Configuration.PlacedTree, _ facts: PlanFacts, _ plan: inout PlannedSteps
    ) {
        guard let directory = tree.tree.upper else { return }
        plan.add(
            RecordUpper(
                directory: directory, record: tree.tree.record(of: facts.configuration)),
            tree.mount.origin)
    }

    static func planPivot(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        // The tmpfs that a root without layers lies in.
        let isBare = facts.configuration.root.isBare && !facts.configuration.opensOnHost
        plan.add(PivotRoot(covers: isBare ? 1 : 0))
        let propagation = facts.configuration.rootfsPropagation
        if propagation.value.kind != .slave {
            plan.add(SetRootPropagation(propagation: propagation.value), propagation.origin)
        }
    }
}

extension Configuration {
    /// The bind mounts, each with its source.
    var bindSources: [(mount: Mount, source: HostBindSource)] {
        var found: [(mount: Mount, source: HostBindSource)] = []
        var position = 0
        for mount in mounts {
            if case .bind(let path, let isRecursive) = mount.kind {
                let source = HostBindSource(
                    path: path, isRecursive: isRecursive, position: position)
                found.append((mount, source))
            }
            if mount.hasSource { position += 1 }
        }
        return found
    }

    /// A copy-on-write tree with its mount.
    struct PlacedTree {
        var mount: Mount
        var tree: CopyOnWriteTree
        /// Among the sources of all bind mounts, counted from 0.
        var position: Int

        func overlay(of configuration: Configuration) -> OverlayAssembly {
            OverlayAssembly(
                tree, at: mount.destination, origin: mount.origin, of: configuration)
        }
    }

    /// The copy-on-write trees.
    var trees: [PlacedTree] {
        var found: [PlacedTree] = []
        var position = 0
        for mount in mounts {
            if case .copyOnWrite(let tree) = mount.kind {
                found.append(PlacedTree(mount: mount, tree: tree, position: position))
            }
            if mount.hasSource { position += 1 }
        }
        return found
    }

    /// The directory of the host that becomes the root, where one does.
    var rootDirectory: String? {
        if case .directory(let path) = root.source { path.value } else { nil }
    }

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

extension Configuration.CopyOnWriteTree {
    /// What is written beside its upper.
    func record(of configuration: Configuration) -> KeptUpper.Record {
        KeptUpper.Record(
            layers: [path], options: mountOptions(configuration.privilege),
            owners: configuration.userNamespace?.mappings?.value)
    }
}

extension Configuration.Mount {
    /// Whether it attaches a tree that is opened before.
    var hasSource: Bool {
        switch kind {
        case .bind, .copyOnWrite: true
        case .fileSystem: MountedOverlay(self) != nil
        case .controlGroups, .remount: false
        }
    }
}

extension Configuration.Root.Overlay {
    /// The overlay's options. Attributes that are the machine's root's alone are kept in others
    /// without root, which belong to the user. What has to be found in the upper afterwards is not
    /// put into an index, whatever the kernel's default is.
    func mountOptions(_ privilege: Configuration.Privilege) -> [String] {
        var named = options.map(\.value)
        if privilege != .full && !named.contains("userxattr") { named.append("userxattr") }
        if isReadLater && !named.contains(where: { $0.hasPrefix("index=") }) {
            named.append("index=off")
        }
        return named
    }

    /// What the upper is kept for when the container has ended.
    fileprivate var reader: Origin {
        guard isCompared else { return .argument("--report") }
        if case .argument = origin { return origin }
        return .argument("--diff")
    }

    /// Whether an upper in one of the layers is out of the container's sight.
    func isUpperHidden(_ upper: String, _ configuration: Configuration) -> Bool {
        layers.contains { configuration.hides(upper: upper, in: $0.value, at: "/") }
    }

    /// Whether something reads the upper when the container has ended.
    var isReadLater: Bool {
        if case .kept = upper { return !isDiscarded || isCompared }
        return isCompared
    }
}

extension Configuration.Root {
    /// Whether it is an upper without layers.
    var isBare: Bool {
        if case .overlay(let overlay) = source { overlay.layers.isEmpty } else { false }
    }

    /// The directory of the host that the container's root is mounted on.
    var mountpoint: String {
        switch source {
        case .directory(let path): path.value
        case .overlay(let overlay): overlay.layers.first?.value ?? "/"
        }
    }
}
