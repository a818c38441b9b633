/// The hooks of the config, each kind where the specification puts it.
enum HooksSection: PlanSection {
    static let title = "Hooks"
    static let about = """
        The hooks of a kind run one after the other, each with the container's state on its \
        standard input.
        """

    static var kinds: [any Step.Type] { [RunHostHooks.self, RunContainerHooks.self] }

    static func plan(
        _ kinds: [Configuration.Hooks.Kind], _ facts: PlanFacts, _ plan: inout PlannedSteps
    ) {
        for kind in kinds {
            let hooks = facts.configuration.hooks[kind]
            guard let first = hooks.first else { continue }
            let list = HookList(kind: kind, hooks: hooks, state: facts.state)
            if kind.isInContainer {
                let environment = facts.configuration.process.environment
                plan.add(RunContainerHooks(hooks: list, environment: environment), first.origin)
            } else {
                plan.add(RunHostHooks(hooks: list), first.origin)
            }
        }
    }
}
