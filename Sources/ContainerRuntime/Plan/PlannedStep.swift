internal import LinuxSystem

/// A step and what asked for it.
public struct PlannedStep: Sendable {
    /// By the process that takes it. Known when it is planned: to ask a value for its conformances
    /// takes a search through those of the whole program.
    enum Kind {
        case runtime(any RuntimeStep)
        case turn(any TurnStep)
        case spawning(any SpawningStep)
        case container(any ContainerStep)
        /// The program replaces the init process.
        case program(any ContainerStep)
    }

    let kind: Kind
    public let origin: Origin

    public var step: any Step { supplied }

    var supplied: any SuppliedStep {
        switch kind {
        case .runtime(let step): step
        case .turn(let step): step
        case .spawning(let step): step
        case .container(let step), .program(let step): step
        }
    }

    /// Which process takes it.
    public var side: Side {
        switch kind {
        case .runtime, .turn, .spawning: .runtime
        case .container, .program: .container
        }
    }

    /// Whether the program replaces the init process in it.
    var isProgram: Bool {
        if case .program = kind { true } else { false }
    }

    /// Itself, where it makes the init process.
    var spawning: (any SpawningStep)? {
        if case .spawning(let step) = kind { step } else { nil }
    }

    /// In the runtime process. The step that makes the init process is taken by `spawn`.
    func apply(_ context: RuntimeContext) throws(Failure) {
        switch kind {
        case .runtime(let step): try step.apply(context)
        case .turn(let step):
            try step.apply(context, to: context.initProcess.given(.process))
        case .spawning, .container, .program: break
        }
    }

    /// In the init process.
    func apply(_ context: ContainerContext) throws(Failure) {
        switch kind {
        case .container(let step), .program(let step): try step.apply(context)
        case .runtime, .turn, .spawning: break
        }
    }
}
