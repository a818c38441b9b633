internal import LinuxSystem

/// `delete --force`: neither the process that creates the container nor the container's own is
/// waited for.
struct EndCreation: RuntimeStep {
    static let manual = StepManual(
        "end the creation",
        what: """
            Kills the runtime process that still creates the container, and the container's init \
            process.
            """,
        why:
            "Before the lock is waited for, which the runtime process would hold until it is done.",
        calls: "openat, read, pidfd_open, pidfd_send_signal")

    let container: StoredContainer

    let summary = "kill the container, and the runtime process that still creates it"
    let undoing = "nothing: they have ended"

    func apply(_ context: RuntimeContext) throws(Failure) {
        if let creator = try? container.state()?.creator, (try? container.state())?.process == nil {
            let process = try? creator.held()
            try? process?.borrowed.send(signal: Signal.kill)
        }
        guard let state = try? container.state() else { return }
        try state.groups.requireGenuine(container.id)
        try? container.send(Signal.kill, state)
    }
}
