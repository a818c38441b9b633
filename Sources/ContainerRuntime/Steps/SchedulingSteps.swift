internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// `linux.personality`: what uname(2) says the machine is.
struct SetPersonality: Step {
    let domain: Spec.Linux.Personality.Domain

    let side = Side.container
    var summary: String { "set the personality \(domain.rawValue)" }

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("personality", domain.rawValue) { () throws(Errno) in
            // PER_LINUX32 is 8.
            try CurrentProcess.setPersonality(domain == .linux32 ? 8 : 0)
        }
    }
}

/// `process.scheduler`: before the user changes, who may raise nothing.
struct SetScheduling: Step {
    let attributes: SchedulingAttributes
    /// The runtime process's where the process that prepares the container could not pass it on.
    var side = Side.container

    var summary: String {
        let policy = Spec.Process.Scheduler.Policy.allCases
            .first { $0.number == attributes.policy }?.rawValue
        let priority = attributes.priority == 0 ? "" : ", priority \(attributes.priority)"
        let nice = attributes.nice == 0 ? "" : ", nice \(attributes.nice)"
        return "schedule by \(policy ?? "\(attributes.policy)")\(priority)\(nice)"
    }

    func apply(_ context: StartContext) throws(StepError) {
        let process = side == .container ? 0 : try context.madeProcess().pid
        try stepping(
            "sched_setattr",
            advice: { error in
                switch error {
                case .notPermitted: "this takes CAP_SYS_NICE, or real-time time in its cgroup"
                case .invalidArgument:
                    "the kernel does not take this policy with these values: real-time policies"
                        + " need a priority of 1 to 99, the others 0"
                default: nil
                }
            }
        ) { () throws(Errno) in
            try CurrentProcess.setScheduling(attributes, of: process)
        }
    }
}

/// `process.ioPriority`.
struct SetInputOutputPriority: Step {
    let priority: Configuration.InputOutputPriority

    let side = Side.container
    var summary: String { "set the I/O priority \(priority.kind.rawValue) \(priority.level)" }

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("ioprio_set", priority.kind.rawValue) { () throws(Errno) in
            try CurrentProcess.setInputOutputPriority(
                kind: priority.kind.number, level: CInt(priority.level))
        }
    }
}

/// `linux.memoryPolicy`: the NUMA nodes that memory comes from.
struct SetMemoryPolicy: Step {
    let policy: Configuration.MemoryPolicy

    let side = Side.container
    var summary: String { "take memory by \(policy.words)" }

    func apply(_ context: StartContext) throws(StepError) {
        try stepping(
            "set_mempolicy",
            advice: { error in
                switch error {
                case .invalidArgument: "the machine lacks a node, or the kernel this mode or flag"
                case .noFunction: "the kernel knows no NUMA"
                default: nil
                }
            }
        ) { () throws(Errno) in
            try CurrentProcess.setMemoryPolicy(policy.mode, nodes: policy.nodes)
        }
    }
}

/// `process.execCPUAffinity`, the final one, or all CPUs: once the process is in the container's
/// control group, whose CPUs they have to be among.
struct SetAffinity: Step {
    let cpus: NumberSet

    let side = Side.container
    var summary: String {
        if cpus == .all { return "run on whatever CPUs the control group has" }
        return "run on \(cpus.count) CPU\(cpus.count == 1 ? "" : "s") from here on"
    }

    func apply(_ context: StartContext) throws(StepError) {
        try stepping(
            "sched_setaffinity",
            advice: { $0 == .invalidArgument ? "none of these CPUs may be used here" : nil }
        ) { () throws(Errno) in
            try CurrentProcess.setAffinity(cpus)
        }
    }
}
