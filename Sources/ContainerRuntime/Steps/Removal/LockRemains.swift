internal import LinuxSystem

/// The lock was let go of while the program ran: another command may have removed the container.
struct LockRemains: RuntimeStep {
    static let manual = StepManual(
        "lock the remains",
        what: "Takes the lock on the container's directory again.",
        why: """
            Before its directory is removed. Where another command has removed it, nothing is left \
            to do, and the poststop hooks have run.
            """,
        calls: "flock, newfstatat")

    let summary = "lock the container, if it is still there"

    func apply(_ context: RuntimeContext) throws(Failure) {
        guard let container = context.container else { return }
        if (try? container.lock()) != nil { return }
        context.container = nil
        context.owesPoststop = false
    }
}
