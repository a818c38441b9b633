internal import LinuxSystem
internal import SystemPackage

/// `process.noNewPrivileges`
struct ForbidNewPrivileges: ContainerStep {
    static let manual = StepManual(
        "forbid new privileges",
        what: """
            Sets no_new_privs: from here on execve ignores set-user-ID bits and file \
            capabilities.
            """,
        why: "Before seccomp: an unprivileged process may install a filter only with it.",
        calls: "prctl")

    let summary = "forbid new privileges"

    func shell(_ commands: inout ShellCommands) {
        commands.run("set -- \"$@\" --no-new-privs")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt("prctl", "PR_SET_NO_NEW_PRIVS", try CurrentProcess.setNoNewPrivileges())
    }
}
