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
            OpenControlGroups.self, AttachRoot.self, MountRootDirectory.self, MountOverlay.self,
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
            plan.add(OpenBindSource(source: source), mount.origin)
        }
        if facts.bindsControlGroups { plan.add(OpenControlGroups()) }
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
            plan.add(KeepUpper(), .argument(overlay.isCompared ? "--diff" : "--report"))
        case .throwaway:
            plan.add(HandOverUpper(), .argument(overlay.isCompared ? "--diff" : "--report"))
        }
    }

    static func planPivot(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        plan.add(PivotRoot())
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
        for mount in mounts {
            guard case .bind(let path, let isRecursive) = mount.kind else { continue }
            let source = HostBindSource(
                path: path, isRecursive: isRecursive, position: found.count)
            found.append((mount, source))
        }
        return found
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
