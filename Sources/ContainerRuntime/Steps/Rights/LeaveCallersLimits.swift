internal import LinuxSystem
internal import SystemPackage

/// The limits that the runtime process has changed for itself.
struct LeaveCallersLimits: ContainerStep {
    static let manual = StepManual(
        "restore the caller's limits",
        what: """
            Sets the limit of open files back to the caller's, where the config has none, and \
            restores the default action of SIGXFSZ. The runtime process had raised the one and \
            ignored the other.
            """,
        why: """
            After all that opens many files or writes one. Before the filter, which may not allow \
            prlimit64.
            """,
        calls: "prlimit64, rt_sigaction")

    /// Whether config.json names RLIMIT_NOFILE.
    let setsFiles: Bool

    var summary: String {
        setsFiles
            ? "leave the other limits as the caller has them"
            : "leave limits as the caller has them"
    }

    func shell(_ commands: inout ShellCommands) {
        commands.note("A shell leaves them as they are, too.")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        try ResourceLimit.giveBack(keepsFiles: setsFiles)
    }
}
