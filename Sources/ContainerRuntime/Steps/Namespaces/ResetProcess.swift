internal import LinuxSystem
internal import SystemPackage

/// The init process is a copy of the runtime process, whose signals and umask are not its own.
struct ResetProcess: ContainerStep {
    static let manual = StepManual(
        "reset the process",
        what: """
            Gives every signal its default action and blocks none, and clears the umask: devices and \
            directories get the modes that they are made with.
            """,
        why: "First: from here on a signal that the runtime process forwards has an effect.",
        calls: "rt_sigaction, rt_sigprocmask, umask")

    let summary = "reset signals and umask"

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt("sigaction", "of the init process", try SignalQueue.resetAll())
        Interruption.forget()
        Credentials.setFileModeMask(0)
    }
}
