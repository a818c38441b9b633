/// The steps of a plan while it is written, in their order.
struct PlannedSteps {
    private(set) var steps: [PlannedStep] = []
    /// All that the steps so far give.
    private var given: Provisions = []
    /// The defect of the plan: the first step that needs more.
    private(set) var lack: String?

    mutating func add(_ step: some RuntimeStep, _ origin: Origin = .standard) {
        append(.runtime(step), origin)
    }

    mutating func add(_ step: some TurnStep, _ origin: Origin = .standard) {
        append(.turn(step), origin, needs: .process)
    }

    mutating func add(_ step: some SpawningStep, _ origin: Origin = .standard) {
        append(.spawning(step), origin)
    }

    mutating func add(_ step: some ContainerStep, _ origin: Origin = .standard) {
        append(.container(step), origin, needs: .process)
    }

    /// The step in which the program replaces the init process.
    mutating func add(program step: some ContainerStep, _ origin: Origin = .standard) {
        append(.program(step), origin, needs: .process)
    }

    @inline(never)
    private mutating func append(
        _ kind: PlannedStep.Kind, _ origin: Origin, needs: Provisions = []
    ) {
        let planned = PlannedStep(kind: kind, origin: origin)
        let step = planned.supplied
        let missing = step.needs.union(needs).subtracting(given)
        if !missing.isEmpty && lack == nil {
            lack =
                "the step \"\(step.summary)\" needs the \(missing.words), which no step before"
                + " gives"
        }
        given.formUnion(step.gives)
        steps.append(planned)
    }
}
