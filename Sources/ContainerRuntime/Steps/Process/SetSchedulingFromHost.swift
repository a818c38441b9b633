internal import LinuxSystem
internal import SystemPackage

/// `process.scheduler` where a copy of the process would not have it.
struct SetSchedulingFromHost: TurnStep {
    static let manual = StepManual(
        "set the scheduler of the copy",
        what: """
            The runtime process sets the scheduling policy of the container process, which has \
            no right to it any more.
            """,
        why: """
            Only where the process has made a copy of itself in a pid namespace, and only for \
            SCHED_DEADLINE and SCHED_FLAG_RESET_ON_FORK: the kernel copies neither.
            """,
        calls: "sched_setattr")

    let scheduling: SetScheduling
    var summary: String { scheduling.summary }

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        try scheduling.set(process.pid)
    }
}
