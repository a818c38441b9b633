internal import LinuxSystem
internal import SystemPackage

/// A container that has no name ends with the runtime process, however that one ends.
struct StartWatchdog: RuntimeStep {
    static let manual = StepManual(
        "start the watchdog",
        what: """
            Makes a process that shares the memory and the descriptors of the runtime process and \
            waits for its end. Then it kills the init process and what is left in the container's \
            mount namespace, removes the control groups, and gives the terminal its settings back.
            """,
        why: """
            Before the control group, the first thing that would be left on the host, and before \
            the init process.
            """,
        calls: "pidfd_open, mmap, mprotect, rt_sigprocmask, clone")

    let summary = "start the watchdog, which ends the container if the runtime process is killed"
    let undoing = "it is ended when all is removed"

    func apply(_ context: RuntimeContext) throws(Failure) {
        if let lifeline = context.prepared?.lifeline {
            context.handover.lifeline = lifeline
            return
        }
        // Never closed: the watchdog looks its number up again whenever it is stopped and goes on,
        // and what else had the number by then would be waited for in its place.
        let lifeline = try attempt("pidfd_open", try CurrentProcess.open()).release()
        context.handover.lifeline = lifeline
        let pid = try attempt(
            "clone", "of the watchdog",
            try CurrentProcess.startWatchdog(lifeline: lifeline, terminal: context.terminal))
        guard let prepared = context.prepared else {
            context.watchdog = Watchdog(pid)
            return
        }
        // It watches the next starts too.
        prepared.watchdog = Watchdog(pid)
        prepared.lifeline = lifeline
    }
}
