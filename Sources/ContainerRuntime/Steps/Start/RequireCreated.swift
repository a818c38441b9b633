internal import LinuxSystem

/// Only a container that waits for its start can be started.
struct RequireCreated: RuntimeStep {
    static let manual = StepManual(
        "require a created container",
        what: "Reads the container's state, and whether its init process is alive and waits.",
        why: "Under the lock, and before the init process is told to go on.",
        calls: "openat, read, newfstatat, readlink")

    let summary = "require that the container is created and not started"
    var needs: Provisions { [.container] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let container = try context.container.given(.container)
        let state = try container.known()
        switch try container.status(state) {
        case .created:
            context.state = state
            context.owesPoststop = true
        case .creating:
            throw Failure("cannot start a container that is still being created")
        case .running: throw Failure("cannot start an already running container")
        case .stopped: throw Failure("cannot start a container that has stopped")
        case .paused: throw Failure("cannot start a container in the paused state")
        }
    }
}
