internal import LinuxSystem

/// One command at a time changes a container.
struct LockContainer: RuntimeStep {
    static let manual = StepManual(
        "lock the container",
        what: """
            Waits for the lock on the container's directory, ten seconds at most, and verifies that \
            the directory is still the container's.
            """,
        why: "Before its state is read, which another command could change.",
        calls: "flock, fstat, newfstatat")

    let container: StoredContainer

    var summary: String { "lock the container \(container.id.text)" }
    var gives: Provisions { [.container] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        try container.lock()
        context.container = container
    }
}
