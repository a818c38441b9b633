internal import Cgroups
public import JSON
internal import Layers
public import LinuxSystem
public import Seccomp

/// Writes the plan of a start: the order of its sections. What breaks when a step moves stands at
/// the step.
public enum Planner {
    /// - Throws: Never for what a config says: a section has left out a step that another needs.
    public static func plan(
        _ configuration: Configuration, document: JSONDocument, file: String,
        seccompCache: SeccompCache
    ) throws(Failure) -> Plan {
        let facts = PlanFacts(configuration, document: document, seccompCache: seccompCache)
        var planned = PlannedSteps()
        if let container = configuration.container, let options = container.restoring {
            try RestoreSection.plan(container, options, facts, &planned)
        } else {
            if let joined = configuration.joined {
                JoinSection.plan(joined, facts, &planned)
            } else {
                planStart(facts, &planned)
            }
            planProcess(facts, &planned)
        }
        let started = planned.steps.count
        RemovalSection.plan(facts, &planned)
        if let lack = planned.lack { throw Failure(lack) }
        return Plan(planned.steps, endingFrom: started, facts, file: file)
    }

    private static func planStart(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        RuntimeSection.plan(facts, &plan)
        NamespacesSection.plan(facts, &plan)
        if facts.configuration.joinsMounts {
            JoinSection.planMounts(facts, &plan)
        } else {
            planTree(facts, &plan)
        }
        KernelSection.plan(facts, &plan)
    }

    /// The container's tree: the root, and what is mounted and made in it.
    private static func planTree(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        RootSection.plan(facts, &plan)
        if !facts.pivotsLate { RootSection.planPivot(facts, &plan) }
        MountsSection.planPlaces(facts, &plan)
        MountsSection.plan(facts, &plan)
        DevicesSection.plan(facts, &plan)
        MountsSection.planFiles(facts, &plan)
        MountsSection.planReadOnly(facts, &plan)
        if facts.pivotsLate {
            HooksSection.plan([.prestart, .createRuntime, .createContainer], facts, &plan)
            RootSection.planPivot(facts, &plan)
        }
        MountsSection.planPaths(facts, &plan)
    }

    /// From the process that is made to the program.
    private static func planProcess(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        ProcessSection.plan(facts, &plan)
        RightsSection.plan(facts, &plan)
        EndSection.plan(facts, &plan)
    }
}

extension Plan {
    fileprivate init(
        _ steps: [PlannedStep], endingFrom end: Int, _ facts: PlanFacts, file: String
    ) {
        let configuration = facts.configuration
        self.steps = Array(steps[..<end])
        ending = Array(steps[end...])
        namespaces = configuration.joined == nil ? facts.clonedNamespaces : []
        document = facts.document
        self.file = file
        bundle = configuration.bundle
        consoleSocket =
            configuration.container?.consoleSocket ?? configuration.joined?.consoleSocket
        isKept = configuration.container?.isKept ?? false
        actsOnStart = configuration.joined == nil && !configuration.hooks.poststart.isEmpty
        entersLate = facts.entersProcesses
        workingDirectory = configuration.process.workingDirectory.value
        limits = configuration.limits
        joinsContainer = configuration.joined != nil
        sharesClock =
            !facts.newNamespaces.contains(.time)
            && !configuration.namespaces.joined.contains { $0.value.kind == .time }
            && configuration.joined?.namespaces.contains(.time) != true
        hasInit = facts.hasInit
        sharesTerminal = facts.sharesTerminal
        // Where the mount namespace is the container's own, and nothing else tells whose they are.
        watchesMounts =
            !facts.isNamed && facts.adoptsOrphans && namespaces.contains(.mount)
        comparedTrees = configuration.trees.filter(\.tree.isRead).map {
            ComparedTree(
                path: $0.mount.destination, number: $0.tree.number, directory: $0.tree.upper,
                record: $0.tree.record(of: configuration))
        }
        if case .overlay(let overlay) = configuration.root.source, overlay.isCompared,
            !overlay.layers.isEmpty
        {
            compared = KeptUpper.Record(overlay, of: configuration)
            compared?.layers = overlay.layers.map(\.value)
        }
    }
}
