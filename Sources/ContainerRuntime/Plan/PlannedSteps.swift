/// The steps of a plan while it is written, in their order.
struct PlannedSteps {
    private(set) var steps: [PlannedStep] = []
    /// What the steps so far give.
    private var given: Provisions = []
    /// What is wrong with the plan: the first step that needs more.
    private(set) var lack: String?

    mutating func add(_ step: some RuntimeStep, _ origin: Origin = .standard) {
        append(.runtime(step), step, origin)
    }

    mutating func add(_ step: some TurnStep, _ origin: Origin = .standard) {
        require(.process, for: step)
        append(.turn(step), step, origin)
    }

    mutating func add(_ step: some SpawningStep, _ origin: Origin = .standard) {
        append(.spawning(step), step, origin)
    }

    mutating func add(_ step: some ContainerStep, _ origin: Origin = .standard) {
        require(.process, for: step)
        append(.container(step), step, origin)
    }

    /// The step in which the program replaces the init process.
    mutating func add(program step: some ContainerStep, _ origin: Origin = .standard) {
        require(.process, for: step)
        append(.program(step), step, origin)
    }

    private mutating func append(
        _ kind: PlannedStep.Kind, _ step: some SuppliedStep, _ origin: Origin
    ) {
        require(step.needs, for: step)
        given.formUnion(step.gives)
        steps.append(PlannedStep(kind: kind, origin: origin))
    }

    private mutating func require(_ needs: Provisions, for step: some SuppliedStep) {
        if given.isSuperset(of: needs) { return }
        lack =
            lack
            ?? "the step \"\(step.summary)\" needs the \(needs.subtracting(given).words), which no"
            + " step before gives"
    }
}
