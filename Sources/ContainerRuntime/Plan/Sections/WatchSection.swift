internal import LinuxSystem

/// The runtime process beside the container: signals, the terminal, the watchdog.
enum WatchSection: PlanSection {
    static let title = "Beside the container"
    static let about = """
        The runtime process waits for messages of the init process, for signals and for the \
        container's end in one poll(2), and answers each turn. These steps prepare for that, or follow \
        when the program runs.
        """

    static var kinds: [any Step.Type] {
        [
            ListenForSignals.self, SaveTerminal.self, StartWatchdog.self, QueueSignals.self,
            AdoptOrphans.self, UnlockContainer.self, RemoveStaleGroups.self,
        ]
    }

    /// Before anything of a nameless container is made.
    static func planWatchdog(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        if facts.showsTerminal || facts.sharesTerminal { plan.add(SaveTerminal()) }
        if !facts.isNamed { plan.add(StartWatchdog()) }
    }

    /// Before the init process is made.
    static func planSignals(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        plan.add(QueueSignals(includesChildren: facts.adoptsOrphans))
        if facts.adoptsOrphans { plan.add(AdoptOrphans()) }
    }

    /// When the program runs.
    static func planStarted(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        if facts.configuration.container != nil { plan.add(UnlockContainer()) }
        HooksSection.plan([.poststart], facts, &plan)
        guard let group = facts.configuration.controlGroup else { return }
        if group.value.id == nil && group.value.path == nil && group.value.unit == nil {
            plan.add(RemoveStaleGroups())
        }
    }
}
