internal import LinuxSystem
internal import SystemPackage

/// From here on a signal that asks the runtime process to end is data: it ends the start after what
/// was made is removed. It is taken at the next wait, before the init process is made, and before
/// each turn.
struct ListenForSignals: RuntimeStep {
    static let manual = StepManual(
        "listen for signals",
        what: """
            Blocks SIGINT, SIGTERM, SIGHUP and SIGQUIT, unless the caller has the runtime process \
            ignore them, and opens a descriptor that they are read from.
            """,
        why: """
            Before the first step that makes something: a signal that ended the runtime process at \
            once would leave it behind.
            """,
        calls: "rt_sigaction, rt_sigprocmask, signalfd4")

    let summary = "listen for the signals that end a start"

    func apply(_ context: RuntimeContext) throws(Failure) {
        try attempt("signalfd", try Interruption.listen())
    }
}
