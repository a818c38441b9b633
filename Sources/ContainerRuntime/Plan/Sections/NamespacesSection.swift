internal import LinuxSystem

/// The init process and the namespaces it is in.
enum NamespacesSection: PlanSection {
    static let title = "The init process, in its namespaces"
    static let about = """
        The init process is a copy of the runtime process: it starts with the plan and with what the \
        steps so far have made. It shares no memory with the runtime process, what it writes counts \
        as the container's, and a fault in code that reads the container's tree reaches nothing \
        outside of the container. A step of the runtime process that stands among those of the init \
        process is a turn that the init process waits for.
        """

    static var kinds: [any Step.Type] {
        [
            CreateNamespaces.self, EnterNamespaces.self, ResetProcess.self, TieToRuntime.self,
            MoveIntoControlGroup.self, MoveIntoResctrlGroup.self, WriteMappings.self,
            MapItself.self, StartNetworkHelper.self, BecomeNamespaceRoot.self,
            EnterControlGroup.self, LetAnchorGo.self,
            SeparateMessageQueues.self, SeparateControlGroups.self, SetAffinity.self,
            EnterResctrlGroup.self,
            JoinNamespace.self, JoinProcesses.self,
        ]
    }

    static func plan(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        WatchSection.planSignals(facts, &plan)
        planInitProcess(facts, &plan)
        plan.add(ResetProcess())
        plan.add(
            TieToRuntime(
                isHidden: configuration.userNamespace == nil
                    || configuration.privilege != .none && !facts.startsNetworkHelper,
                isIntroduced: facts.entersNamespaces && !facts.joinsProcesses))
        if let namespace = configuration.userNamespace {
            planMappings(namespace, facts, &plan)
        } else {
            planNetworkHelper(facts, &plan)
        }
        planControlGroup(facts, &plan)
        // What an engine is bound to is its own affair. A caller of the one-shot form means it.
        if configuration.container != nil { plan.add(SetAffinity(cpus: .all)) }
        if let request = configuration.resourceDirector, configuration.userNamespace == nil {
            plan.add(EnterResctrlGroup(), request.origin)
        }
        if facts.entersNamespaces { return }
        for joined in configuration.namespaces.joined where joined.value.kind != .mount {
            if joined.value.kind == .pid {
                plan.add(
                    JoinProcesses(namespace: joined.value, procCount: facts.procCount),
                    joined.origin)
            } else {
                plan.add(JoinNamespace(namespace: joined.value), joined.origin)
            }
        }
    }

    private static func planInitProcess(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        let new = facts.clonedNamespaces
        let origin = configuration.namespaces.new.origin
        guard facts.entersNamespaces else {
            return plan.add(CreateNamespaces(namespaces: new), origin)
        }
        // The process that makes a time namespace is in the user namespace that owns it.
        let before: NamespaceSet = new.contains(.time) ? new.intersection([.user, .time]) : []
        let namespace = configuration.userNamespace
        plan.add(
            EnterNamespaces(
                joined: configuration.namespaces.joined.map(\.value),
                cloned: new.subtracting(before), before: before,
                mappings: namespace?.mappings?.value, writer: namespace?.writer ?? .runtime,
                timeOffsets: configuration.timeOffsets.map(\.value), procCount: facts.procCount),
            configuration.namespaces.joined.first?.origin ?? origin)
    }

    /// The init process waits for its id mappings first of all: without them it can do nothing.
    private static func planMappings(
        _ namespace: Configuration.UserNamespace, _ facts: PlanFacts, _ plan: inout PlannedSteps
    ) {
        let configuration = facts.configuration
        if let group = configuration.controlGroup {
            let isOptional = group.value.isOptional
            if facts.entersGroupUnmapped {
                plan.add(EnterControlGroup(isOptional: isOptional), group.origin)
            } else {
                plan.add(MoveIntoControlGroup(isOptional: isOptional), group.origin)
            }
        }
        if let request = configuration.resourceDirector {
            plan.add(MoveIntoResctrlGroup(), request.origin)
        }
        let isMapped = namespace.path != nil || facts.newNamespaces.contains(.time)
        if !isMapped, let mappings = namespace.mappings {
            if namespace.writer == .itself {
                plan.add(MapItself(mappings: mappings.value), mappings.origin)
            } else {
                plan.add(
                    WriteMappings(mappings: mappings.value, writer: namespace.writer),
                    mappings.origin)
            }
        }
        planNetworkHelper(facts, &plan)
        plan.add(
            BecomeNamespaceRoot(
                mapped: namespace.mappings?.value, configuration.process.user.value),
            namespace.mappings?.origin ?? .standard)
        if facts.separatesQueues {
            plan.add(SeparateMessageQueues(), configuration.namespaces.new.origin)
        }
    }

    private static func planNetworkHelper(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        guard let network = facts.configuration.network, case .helper(let helper) = network.value
        else { return }
        let namespace = facts.configuration.userNamespace
        let mappings = namespace?.mappings?.value
        plan.add(
            StartNetworkHelper(
                helper: helper, hasUserNamespace: namespace != nil,
                hasRoot: facts.configuration.privilege == .full
                    && mappings.map { $0.users.maps(0) && $0.groups.maps(0) } ?? true),
            network.origin)
    }

    private static func planControlGroup(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        guard let group = configuration.controlGroup else { return }
        if configuration.userNamespace == nil {
            plan.add(EnterControlGroup(isOptional: group.value.isOptional), group.origin)
        }
        if group.value.unit != nil {
            plan.add(LetAnchorGo(resources: group.value.resources), group.origin)
        }
        if facts.newNamespaces.contains(.cgroup) {
            plan.add(SeparateControlGroups(), configuration.namespaces.new.origin)
        }
    }
}
