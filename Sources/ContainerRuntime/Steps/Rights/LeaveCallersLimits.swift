internal import LinuxSystem
internal import SystemPackage

/// The runtime has raised its limit of open files: the program gets the caller's, where the config
/// names none. It is also the caller's limit of the size of files that the program ends by.
///
/// Behind all that opens many files and all that writes one. Before the filter, which may not allow
/// it.
struct LeaveCallersLimits: ContainerStep {
    static var manual: StepManual {
        StepManual(
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
    }

    /// Whether config.json names RLIMIT_NOFILE.
    let setsFiles: Bool

    var summary: String {
        setsFiles
            ? "leave the other limits as the caller has them"
            : "leave limits as the caller has them"
    }

    func apply(_ context: StartContext) throws(StepError) {
        do throws(SystemCallError) {
            try ResourceLimit.giveBack(keepsFiles: setsFiles)
        } catch {
            throw error
        }
    }
}
