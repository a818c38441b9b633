internal import LinuxSystem

/// Only processes that run, or are paused, can be saved.
struct RequireCheckpointable: RuntimeStep {
    static let manual = StepManual(
        "require a running container",
        what: """
            Reads the container's state, and whether its first process is the program of the image \
            or the config and runs.
            """,
        why: "Under the lock, and before anything is written.",
        calls: "openat, read, newfstatat, readlink")

    let summary = "require that the container runs or is paused"
    var needs: Provisions { [.container] }
    var gives: Provisions { [.process] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let container = try context.container.given(.container)
        let state = try container.known()
        let status = try container.status(state)
        guard status == .running || status == .paused, let process = state.process else {
            throw Failure("Container cannot be checkpointed in \(status.rawValue) state")
        }
        if state.program != nil {
            throw Failure(
                "the container \"\(container.id.text)\" has vfs.init: its first process is a part of"
                    + " this program, which criu cannot restore; leave vfs.init out")
        }
        let namespaces = NamespaceSet(rawValue: state.namespaces)
        if namespaces.contains(.user) {
            throw Failure(
                "the container \"\(container.id.text)\" has a user namespace, which checkpoint does"
                    + " not support")
        }
        guard let held = try attempt("pidfd_open", try process.held()) else {
            throw Failure("Container cannot be checkpointed in stopped state")
        }
        context.state = state
        // Where the container is removed in the end.
        context.owesPoststop = true
        context.held = held
        context.initProcess = MadeProcess(pid: process.pid, pidfd: held.borrowed)
    }
}
