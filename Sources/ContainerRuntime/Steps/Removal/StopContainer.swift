internal import LinuxSystem

/// A container that is created, or runs and is to be removed all the same.
struct StopContainer: RuntimeStep {
    static let manual = StepManual(
        "stop the container",
        what: """
            Kills the init process, thaws the control group, and waits at most ten seconds until \
            the process has ended.
            """,
        why: "Before anything is removed that a process of the container's uses.",
        calls: "pidfd_open, pidfd_send_signal, write, poll")

    /// Whether one that runs is refused.
    let refusesRunning: Bool

    let summary = "stop the container"
    let undoing = "nothing: it has ended"

    func apply(_ context: RuntimeContext) throws(Failure) {
        guard let container = context.container, let state = context.state else { return }
        let status = try container.status(state)
        if status == .stopped { return }
        if refusesRunning && status != .created {
            throw Failure(
                "cannot delete container \(container.id.text) that is not stopped:"
                    + " \(status.rawValue)")
        }
        try container.end(state)
    }
}
