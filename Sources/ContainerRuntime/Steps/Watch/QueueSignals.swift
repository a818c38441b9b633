internal import LinuxSystem
internal import SystemPackage

/// Signals that are meant for the container are taken as data and passed on.
struct QueueSignals: RuntimeStep {
    static let manual = StepManual(
        "queue the signals for the container",
        what: """
            Blocks the signals that the runtime process passes on, and opens a descriptor that they \
            are read from. SIGCHLD gets its default action, so that children can be waited for.
            """,
        why:
            "Before there is a process to pass them on to, so that none is lost. That one resets them.",
        calls: "rt_sigaction, rt_sigprocmask, signalfd4")

    /// Whether processes become the runtime's that it has to wait for.
    let includesChildren: Bool

    let summary = "queue the signals that are passed on to the container"

    func apply(_ context: RuntimeContext) throws(Failure) {
        try attempt("sigaction", "SIGCHLD", try Signal.listenForChildren())
        var wanted =
            Signal.forwarded.filter { !Signal.isIgnored($0) } + Signal.passedOn
            + [Signal.windowChange]
        if includesChildren { wanted.append(Signal.childEnded) }
        context.signals = try attempt("signalfd", try SignalQueue.open(wanted))
    }
}
