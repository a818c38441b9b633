internal import LinuxSystem

/// `hooks.prestart`, `hooks.createRuntime`, `hooks.poststart`
struct RunHostHooks: TurnStep {
    static let manual = StepManual(
        "run hooks on the host",
        what: """
            The runtime process runs the programs that the config names, with the container's \
            state on their standard input. The first one that fails ends the container.
            """,
        why: """
            Each kind at its place in the container's life, as the specification defines it. \
            prestart and createRuntime hooks see the host's tree and the container's, before the \
            pivot; poststart hooks run when the program does.
            """,
        calls: "clone3, execve, wait4")

    let hooks: HookList

    var summary: String { hooks.summary }
    let undoing = HookList.undoing

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        try hooks.run(
            pid: process.pid, environment: CurrentProcess.environment,
            directory: hooks.state.bundle)
    }
}
