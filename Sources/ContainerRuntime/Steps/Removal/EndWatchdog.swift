internal import LinuxSystem

/// Nothing is left for it to do.
struct EndWatchdog: RuntimeStep {
    static let manual = StepManual(
        "end the watchdog",
        what: "Kills the watchdog and waits for it.",
        why: """
            Last: until here the watchdog removes what is left when the runtime process is killed.
            """,
        calls: "kill, wait4")

    let summary = "end the watchdog"
    let undoing = "nothing: it has ended"

    func apply(_ context: RuntimeContext) throws(Failure) { context.watchdog.take()?.end() }
}
