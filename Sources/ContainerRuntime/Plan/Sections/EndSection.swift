internal import LinuxSystem

/// From the process that is confined to the program.
enum EndSection: PlanSection {
    static let title = "The program"
    static let about = """
        Other processes are told of the container, and the program replaces the init process. \
        Between the filter and the program only calls are made that the filter has to allow.
        """

    static var kinds: [any Step.Type] {
        [
            LetGo.self, OpenInnerStreams.self, StartInit.self, HoldUpper.self, RecordContainer.self,
            WritePIDFile.self,
            SendPIDFD.self,
            AwaitStart.self, Execute.self, SendFiles.self,
        ]
    }

    static func plan(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let configuration = facts.configuration
        let (container, joined) = (configuration.container, configuration.joined)
        let process = configuration.process
        if facts.isNamed { plan.add(LetGo()) }
        if !configuration.innerStreams.isEmpty {
            plan.add(OpenInnerStreams(streams: configuration.innerStreams), .builtIn("isolate"))
        }
        if facts.hasInit {
            plan.add(
                StartInit(
                    hasTerminal: process.terminal != nil,
                    measures: configuration.measuresStart),
                configuration.initOrigin ?? .standard)
        }
        if !facts.entersProcesses { RightsSection.planLandlock(facts, &plan) }
        if process.noNewPrivileges.value { RightsSection.planFilter(facts, &plan) }
        if container != nil { planRecord(facts, &plan) }
        JoinSection.planRoom(facts, &plan)
        planReport(
            pidFile: container?.pidFile ?? joined?.pidFile,
            pidfdSocket: container?.pidfdSocket ?? joined?.pidfdSocket,
            // runc sends the same words.
            word: joined == nil ? "standard" : "setns", &plan)
        let waits = container?.waits == true
        if waits { plan.add(AwaitStart()) }
        if joined == nil { HooksSection.plan([.startContainer], facts, &plan) }
        for limit in process.limits where facts.isTight(limit) {
            plan.add(SetLimit(limit: limit.value), limit.origin)
        }
        plan.add(
            program: Execute(
                arguments: process.arguments.value, environment: process.environment,
                measures: configuration.measuresStart),
            process.arguments.origin)
        // create leaves it to start.
        if joined == nil && !waits { WatchSection.planStarted(facts, &plan) }
    }

    /// The container is there: other commands find it by its name.
    private static func planRecord(_ facts: PlanFacts, _ plan: inout PlannedSteps) {
        let namespaces = facts.configuration.namespaces
        let all = namespaces.joined.reduce(facts.newNamespaces) { $0.union($1.value.kind) }
        if case .overlay(let overlay) = facts.configuration.root.source,
            case .kept(let directory) = overlay.upper
        {
            plan.add(HoldUpper(directory: directory.value), directory.origin)
        }
        for tree in facts.configuration.trees {
            if let upper = tree.tree.upper {
                plan.add(HoldUpper(directory: upper), tree.mount.origin)
            }
        }
        plan.add(
            RecordContainer(
                namespaces: all, ownsProcesses: facts.newNamespaces.contains(.pid),
                recordsStreams: facts.configuration.process.terminal == nil))
    }

    private static func planReport(
        pidFile: String?, pidfdSocket: String?, word: String, _ plan: inout PlannedSteps
    ) {
        if let pidFile { plan.add(WritePIDFile(path: pidFile), .argument("--pid-file")) }
        if let pidfdSocket {
            plan.add(SendPIDFD(path: pidfdSocket, word: word), .argument("--pidfd-socket"))
        }
    }
}
