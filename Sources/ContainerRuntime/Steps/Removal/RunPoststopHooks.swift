internal import JSON
internal import LinuxSystem

/// Every one of them runs, whatever becomes of those before it.
struct RunPoststopHooks: RuntimeStep {
    static let manual = StepManual(
        "run the poststop hooks",
        what: """
            Runs the hooks one after the other, each with the container's state on its standard \
            input. One that fails is a warning.
            """,
        why: "Last of all: the specification has the container destroyed by then.",
        calls: "pipe2, clone3, execve, poll, waitid")

    let hooks: HookList

    var summary: String { hooks.summary }
    let undoing = "nothing: what a poststop hook does stays"

    func apply(_ context: RuntimeContext) throws(Failure) {
        guard context.owesPoststop else { return }
        context.owesPoststop = false
        let state = context.state ?? hooks.state
        let text = Array(state.document(.stopped, pid: nil).compactText.utf8)
        var failures: [String] = []
        for (index, hook) in hooks.hooks.enumerated() {
            do throws(Failure) {
                try Interruption.hearing { () throws(Failure) in
                    try HookRunner.run(
                        hook, kind: .poststop, index: index, state: text,
                        environment: CurrentProcess.environment)
                }
            } catch {
                failures.append(error.message)
            }
        }
        if failures.isEmpty { return }
        throw Failure(failures.joined(separator: "; "), .warning)
    }
}
