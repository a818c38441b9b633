internal import LinuxSystem
internal import SystemPackage

/// `process.execCPUAffinity`, the final one, or all CPUs.
struct SetAffinity: ContainerStep {
    static let manual = StepManual(
        "set the CPU affinity",
        what: """
            Chooses the CPUs that the process runs on: those of execCPUAffinity, or all of the \
            control group's.
            """,
        why: """
            Only for named containers and exec, after the control group is entered, whose CPUs \
            they have to be among. An engine may be bound to some CPUs; its containers are not.
            """,
        calls: "sched_setaffinity")

    let cpus: NumberSet

    var summary: String {
        if cpus == .all { return "run on whatever CPUs the control group has" }
        return "run on \(cpus.count) CPU\(cpus.count == 1 ? "" : "s") from here on"
    }

    func shell(_ commands: inout ShellCommands) {
        commands.note("taskset(1) does it; a shell has the CPUs of its own control group.")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt(
            "sched_setaffinity",
            advice: { $0 == .invalidArgument ? "none of these CPUs may be used here" : nil },
            try CurrentProcess.setAffinity(cpus))
    }
}
