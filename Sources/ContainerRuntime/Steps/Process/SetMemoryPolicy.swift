internal import LinuxSystem
internal import SystemPackage

/// `linux.memoryPolicy`
struct SetMemoryPolicy: ContainerStep {
    static let manual = StepManual(
        "set the memory policy",
        what: """
            Sets from which NUMA nodes the kernel takes memory. What the process starts inherits \
            the policy.
            """,
        why: """
            Late, since it would hit the runtime's own work. Before the filter, which may not \
            allow it.
            """,
        calls: "set_mempolicy")

    let policy: Configuration.MemoryPolicy

    var summary: String { "take memory by \(policy.words)" }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt(
            "set_mempolicy",
            advice: { error in
                switch error {
                case .invalidArgument: "the machine lacks a node, or the kernel this mode or flag"
                case .noFunction: "the kernel knows no NUMA"
                default: nil
                }
            }, try CurrentProcess.setMemoryPolicy(policy.mode, nodes: policy.nodes))
    }
}
