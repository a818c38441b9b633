internal import LinuxSystem

/// The container's directory: its name is free again.
struct RemoveState: RuntimeStep {
    static let manual = StepManual(
        "remove the state",
        what: "Removes the container's directory with all that is in it.",
        why: """
            Behind what the state names. Before the poststop hooks: the specification has the \
            container destroyed by then.
            """,
        calls: "unlinkat, openat, getdents64")

    /// Whether a container without a state is an error once it is removed.
    var requiresState = false

    let summary = "remove the container's state"
    let undoing = "nothing: it is gone"

    func apply(_ context: RuntimeContext) throws(Failure) {
        guard let container = context.container else { return }
        try container.remove()
        if context.state == nil && requiresState {
            throw Failure(
                "container \"\(container.id.text)\" does not exist: what was left of it is removed")
        }
    }
}
