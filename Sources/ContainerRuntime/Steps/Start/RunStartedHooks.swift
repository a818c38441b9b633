internal import LinuxSystem

/// `hooks.poststart`, by `start`
struct RunStartedHooks: RuntimeStep {
    static let manual = StepManual(
        "run the poststart hooks",
        what: """
            Runs the programs that the config names, with the container's state on their standard \
            input. The first one that fails ends the container, as the specification has it.
            """,
        why: """
            When the program runs, and the container is unlocked: the hooks may call the runtime.
            """,
        calls: "clone3, execve, wait4")

    let hooks: HookList

    var summary: String { hooks.summary }
    let undoing = HookList.undoing

    func apply(_ context: RuntimeContext) throws(Failure) {
        do throws(Failure) {
            try hooks.run(
                pid: context.state?.process?.pid, environment: CurrentProcess.environment,
                directory: nil)
        } catch {
            context.endsContainer = true
            throw error
        }
    }
}
