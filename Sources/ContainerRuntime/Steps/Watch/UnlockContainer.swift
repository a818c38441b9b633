internal import LinuxSystem

/// Other commands, and the hooks that follow, may have the container.
struct UnlockContainer: RuntimeStep {
    static let manual = StepManual(
        "unlock the container",
        what: "Lets go of the lock on the container's directory.",
        why: """
            When the program runs: until then no other command can have it. Before the poststart \
            hooks, which may call the runtime.
            """,
        calls: "flock")

    let summary = "unlock the container"

    func apply(_ context: RuntimeContext) throws(Failure) { context.container?.unlock() }
}
