/// The steps of a plan while it is written, in their order.
struct PlannedSteps {
    private(set) var steps: [PlannedStep] = []

    mutating func add(_ step: some Step, _ origin: Origin = .standard) {
        steps.append(PlannedStep(step: step, origin: origin))
    }

    mutating func add(_ step: some SpawningStep, _ origin: Origin = .standard) {
        steps.append(PlannedStep(step: step, origin: origin, spawning: step))
    }
}
