public import ContainerRuntime
public import LinuxSystem

/// How the jobs of a batch are made ready: what the command line says of them all.
public struct Preparation: Sendable {
    /// The plan of a shape; each warning of it.
    public var plan:
        @Sendable (JobShape, @escaping (String) -> Void) throws(Failure) -> PreparedPlan
    /// Whether the jobs of a slot share one network namespace.
    public var sharesNetwork: Bool
    /// What every job is laid over.
    public var template: BatchJob?
    /// Receives each warning.
    public var warn: @Sendable (String) -> Void
    /// Warnings that are not told again.
    public var told: Set<String>

    public init(
        sharesNetwork: Bool, told: Set<String>, warn: @escaping @Sendable (String) -> Void,
        plan:
            @escaping @Sendable (JobShape, @escaping (String) -> Void) throws(Failure) ->
            PreparedPlan
    ) {
        self.plan = plan
        self.sharesNetwork = sharesNetwork
        self.told = told
        self.warn = warn
    }
}

/// A plan, and what has to live as long as it is carried out: ids that are taken for it.
public struct PreparedPlan {
    public var plan: Plan
    public var held: AnyObject

    public init(_ plan: Plan, holding held: AnyObject) {
        (self.plan, self.held) = (plan, held)
    }
}
