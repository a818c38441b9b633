internal import LinuxSystem

/// Without a pid namespace of its own what the container's first process leaves behind goes on.
///
/// What hooks have left running on the host is none of it.
struct EndOrphans: RuntimeStep {
    static let manual = StepManual(
        "end what is left of the container",
        what: """
            Kills the children of the runtime process that are not on the host's own mount \
            namespace, and waits for them, at most ten seconds.
            """,
        why: "Before the control group is removed, which can have no process.",
        calls: "openat, readlinkat, kill, wait4, ppoll")

    let summary = "kill the processes that the container has left behind"
    let undoing = "nothing: it ends"

    func apply(_ context: RuntimeContext) throws(Failure) {
        let left = CurrentProcess.endChildrenElsewhere(until: Clock.nanoseconds + 10_000_000_000)
        if left.isEmpty { return }
        context.warn(
            "processes of the container are left that cannot be killed: "
                + left.map(String.init).joined(separator: ", "))
    }
}
