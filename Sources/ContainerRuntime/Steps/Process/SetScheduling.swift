internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// `process.scheduler`
struct SetScheduling: ContainerStep {
    static let manual = StepManual(
        "set the scheduler",
        what: """
            Sets the scheduling policy, priority and nice value. What the process starts inherits \
            them.
            """,
        why: """
            Late, since it would hit the runtime's own work. Before the change of user: an \
            unprivileged user may not raise it.
            """,
        calls: "sched_setattr")

    let attributes: SchedulingAttributes

    var summary: String {
        let policy = Spec.Process.Scheduler.Policy.allCases
            .first { $0.number == attributes.policy }?.rawValue
        let priority = attributes.priority == 0 ? "" : ", priority \(attributes.priority)"
        let nice = attributes.nice == 0 ? "" : ", nice \(attributes.nice)"
        return "schedule by \(policy ?? "\(attributes.policy)")\(priority)\(nice)"
    }

    private var isDeadline: Bool {
        attributes.policy == Spec.Process.Scheduler.Policy.deadline.number
    }

    func apply(_ context: ContainerContext) throws(Failure) { try set(0) }

    private var deadline: UInt32 { Spec.Process.Scheduler.Policy.deadline.number }

    /// - Parameter process: 0 for this one.
    func set(_ process: Int32) throws(Failure) {
        try attempt(
            "sched_setattr",
            advice: { error in
                switch error {
                case .notPermitted where attributes.policy == deadline:
                    "process scheduler can't be used together with AllowedCPUs: this policy takes"
                        + " CAP_SYS_NICE, and the right to every CPU (resources.cpu.cpus)"
                case .notPermitted: "this takes CAP_SYS_NICE, or real-time time in its cgroup"
                case .invalidArgument where isDeadline:
                    "SCHED_DEADLINE needs 1024 <= runtime <= deadline <= period, in nanoseconds; a"
                        + " period of 0 is the deadline"
                case .resourceBusy:
                    "the deadlines of the system leave no time for it"
                case .invalidArgument:
                    "the kernel does not take this policy with these values: real-time policies"
                        + " need a priority of 1 to 99, the others 0"
                default: nil
                }
            }, try CurrentProcess.setScheduling(attributes, of: process))
    }
}
