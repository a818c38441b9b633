/// A part of a start whose steps stand together. Each has a folder of its name below `Steps`.
protocol PlanSection {
    static var title: String { get }
    /// The common property of its steps.
    static var about: String { get }
    /// Every kind of step that it plans, in their order.
    static var kinds: [any Step.Type] { get }
}

extension PlanSection {
    /// Every section, in the order of a start.
    static var all: [any PlanSection.Type] {
        [
            RuntimeSection.self, WatchSection.self, NamespacesSection.self, RootSection.self,
            MountsSection.self,
            DevicesSection.self, HooksSection.self, KernelSection.self, ProcessSection.self,
            RightsSection.self, JoinSection.self, EndSection.self,
            StartSection.self, CheckpointSection.self, RestoreSection.self, RemovalSection.self,
        ]
    }
}
