internal import LinuxSystem

/// The mounts of the container's tree, and what is covered by mounts.
enum MountsSection: PlanSection {
    static let title = "Mounts"
    static let about = """
        Every destination is opened without leaving the root. Mounts keep the order of the config.
        """

    static var kinds: [any Step.Type] {
        [
            MountFileSystem.self, AttachBind.self, MountControlGroups.self, Remount.self,
            MakePlace.self, WriteFile.self, CopyFiles.self, MountResolver.self, MaskPath.self,
            ProtectPath.self,
            CheckMountPoints.self,
        ]
    }

    static func plan(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let mounts = facts.configuration.mounts
        var attachedBinds = 0
        // A /dev of the image's own could hold anything; a fresh one holds what the runtime makes.
        if !mounts.contains(where: { PathText.cleaned($0.destination) == "/dev" }) {
            planMount(.devices, &attachedBinds, facts, &plan)
        }
        for mount in mounts { planMount(mount, &attachedBinds, facts, &plan) }
        if let content = facts.configuration.resolver {
            plan.add(
                MountResolver(content: content),
                facts.configuration.network?.origin ?? .standard)
        }
    }

    private static func planMount(
        _ mount: Configuration.Mount, _ attachedBinds: inout Int, _ facts: PlanFacts,
        _ plan: inout PlannedSteps
    ) {
        switch mount.kind {
        case .bind(let source, _):
            plan.add(
                AttachBind(
                    mount: mount, source: source, position: attachedBinds,
                    isRestricted: facts.configuration.isRestricted), mount.origin)
            attachedBinds += 1
        case .copyOnWrite(let tree):
            plan.add(
                AttachBind(mount: mount, source: tree.path, position: attachedBinds),
                mount.origin)
            attachedBinds += 1
        case .fileSystem where mount.hasSource:
            plan.add(
                AttachBind(mount: mount, source: "the overlay", position: attachedBinds),
                mount.origin)
            attachedBinds += 1
        case .fileSystem(let type, let source, let parameters):
            planFileSystem(mount, type, source, parameters, facts, &plan)
        case .controlGroups:
            let isForWriting =
                facts.configuration.controlGroup != nil
                && facts.writableControlGroups?.destination == mount.destination
            plan.add(
                MountControlGroups(
                    mount: mount, isForWriting: isForWriting, limited: facts.limitedControllers),
                mount.origin)
        case .remount: plan.add(Remount(mount: mount), mount.origin)
        }
    }

    private static func planFileSystem(
        _ mount: Configuration.Mount, _ type: String, _ source: String?,
        _ parameters: [Configuration.Mount.Parameter], _ facts: PlanFacts,
        _ plan: inout PlannedSteps
    ) {
        let configuration = facts.configuration
        let isRestricted = configuration.isRestricted
        // What the host's file system of that type shows, where it has one.
        let shown = HostStandIn.namespace(of: type)
        let isShared = shown.map(facts.isShared) ?? false
        let isHosts = isRestricted && configuration.privilege != .nested && isShared
        plan.add(
            MountFileSystem(
                mount: mount, type: type, source: source, parameters: parameters,
                label: configuration.mountLabel?.value,
                labelOption: configuration.mountLabelOption, isRestricted: isRestricted,
                mayStandIn: isRestricted && shown != nil && (type != "proc" || isShared),
                showsOwn: shown.map(facts.newNamespaces.contains) ?? false,
                isHosts: isHosts),
            isHosts && configuration.privilege == .none ? .rootless : mount.origin)
    }

    /// Links and directories, before mounts that lead through them.
    static func planPlaces(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        for file in facts.configuration.files where file.isPlace {
            plan.add(
                MakePlace(file: file, user: facts.configuration.process.user.value), file.origin)
        }
    }

    /// In the mounts, too.
    static func planFiles(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        for file in facts.configuration.files where !file.isPlace {
            if case .files(let names, let source, let number) = file.content {
                plan.add(
                    CopyFiles(path: file.path, names: names, source: source, number: number),
                    file.origin)
                continue
            }
            plan.add(
                WriteFile(file: file, user: facts.configuration.process.user.value), file.origin)
        }
    }

    /// Once everything is in them that the runtime puts there.
    static func planReadOnly(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        for mount in facts.configuration.mounts where mount.isFilledFirst {
            var protected = mount
            (protected.set, protected.clear) = (.readOnly, [])
            (protected.setRecursively, protected.clearRecursively) = ([], [])
            protected.propagation = []
            protected.optionText = "ro"
            plan.add(Remount(mount: protected), mount.origin)
        }
    }

    static func planPaths(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        // Engines put their list behind the user's: what stands twice is masked once.
        var masked: Set<String> = []
        for path in configuration.maskedPaths where masked.insert(path.value).inserted {
            plan.add(
                MaskPath(path: path.value, label: configuration.mountLabel?.value), path.origin)
        }
        for path in configuration.readonlyPaths {
            plan.add(ProtectPath(path: path.value), path.origin)
        }
        plan.add(CheckMountPoints())
    }
}
