internal import LinuxSystem

/// The watchdog knows the process that the runtime process has made, and not its copy.
struct WatchProcess: TurnStep {
    static let manual = StepManual(
        "watch the copy",
        what: "Has the watchdog end the container process with the runtime process.",
        why: """
            Only of the one-shot form, after the process has made its copy in a pid namespace. \
            The copy waits for it.
            """,
        calls: "read, write")

    let summary = "have the watchdog end the copy with the runtime process"

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        CurrentProcess.watch(process: process.pidfd)
    }
}
