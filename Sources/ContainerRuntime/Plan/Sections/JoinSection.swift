internal import Cgroups
internal import LinuxSystem

/// A process in a container that exists, and a start in a mount namespace that exists.
enum JoinSection: PlanSection {
    static let title = "A process in a container that exists"
    static let about = """
        `exec` takes the same steps as a start, without those that make what is there already. The \
        container's root is opened where its mount namespace is joined.
        """

    static var kinds: [any Step.Type] {
        [
            MakeInnerGroup.self, MakeRoom.self, JoinContainer.self, OpenRoot.self,
            TakeRoomBack.self,
        ]
    }

    static func plan(
        _ joined: Configuration.JoinedContainer, _ facts: PlanFacts, _ plan: inout PlannedSteps
    ) {
        let configuration = facts.configuration
        let process = configuration.process
        RuntimeSection.planRequirements(facts, &plan)
        if let seccomp = configuration.seccomp {
            plan.add(
                PrepareSeccomp(
                    profile: seccomp.value, cache: facts.seccompCache,
                    hidesInit: configuration.privilege == .none), seccomp.origin)
        }
        WatchSection.planWatchdog(facts, &plan)
        WatchSection.planSignals(facts, &plan)
        let groups = facts.innerGroups
        if !groups.isEmpty { plan.add(MakeInnerGroup(groups: groups)) }
        if let container = joined.limited {
            plan.add(
                MakeRoom(
                    container: container, controlGroup: ControlGroup(paths: joined.controlGroup)))
        }
        plan.add(
            JoinContainer(
                id: joined.id, process: joined.process, namespaces: joined.namespaces,
                preserved: joined.preservedDescriptors,
                controlGroup: ControlGroup(paths: joined.controlGroup, unit: joined.unit),
                inner: joined.innerControlGroups, resctrlGroup: joined.resctrlGroup,
                hasTerminal: process.terminal != nil,
                affinity: process.initialAffinity?.value,
                takesProc: process.appArmorProfile != nil || process.label != nil
                    || (process.oomScoreAdjustment != nil && !configuration.opensOnHost)))
        plan.add(ResetProcess())
        plan.add(TieToRuntime())
        if joined.namespaces.contains(.user) {
            plan.add(BecomeNamespaceRoot(user: nil, group: nil))
        }
        if let cpus = process.finalAffinity {
            plan.add(SetAffinity(cpus: cpus.value), cpus.origin)
        } else if process.initialAffinity == nil {
            plan.add(SetAffinity(cpus: .all))
        }
        plan.add(OpenRoot())
        DevicesSection.planTerminal(isConsole: false, facts, &plan)
    }

    /// Behind all whose paths are the host's; what is mounted there stays as it is.
    static func planMounts(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        HooksSection.plan([.prestart, .createRuntime], facts, &plan)
        for joined in facts.configuration.namespaces.joined where joined.value.kind == .mount {
            plan.add(JoinNamespace(namespace: joined.value), joined.origin)
        }
        plan.add(OpenRoot())
        DevicesSection.planTerminal(isConsole: false, facts, &plan)
    }

    /// Once the process is in the container and the one that made it has ended; and at the end.
    static func planRoom(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        guard let joined = facts.configuration.joined, let container = joined.limited else {
            return
        }
        plan.add(
            TakeRoomBack(
                container: container, controlGroup: ControlGroup(paths: joined.controlGroup)))
    }
}
