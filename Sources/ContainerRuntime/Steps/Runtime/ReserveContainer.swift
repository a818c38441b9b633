internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// The container's id and its directory in `--root`.
struct ReserveContainer: RuntimeStep {
    static let manual = StepManual(
        "take the container id",
        what: """
            Makes the directory of the container's state, locks it and writes the config into it.
            """,
        why: """
            Before anything that a later command has to find by the container's name. Later \
            changes of the bundle do not reach the container.
            """,
        calls: "mkdir, flock, openat")

    let container: Configuration.Container
    let state: ContainerState
    let hooks: Configuration.Hooks
    let document: JSONDocument

    var summary: String { "take the container id \(container.id.text) in \(container.store.root)" }
    let undoing = "the directory goes with the container"
    var gives: Provisions { [.container] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        // The fifo's mode is not the caller's business.
        Credentials.setFileModeMask(0)
        let stored = try container.store.reserve(container.id)
        var state = state
        state.hooks = Configuration.Hooks.Kind.allCases.filter { !hooks[$0].isEmpty }
        context.container = stored
        context.state = state
        context.owesPoststop = true
        let directory = stored.directory.borrowed
        try attempt("write", "the state of \(container.id.text)", try stored.write(state))
        let config = try attempt(
            "openat", on: ContainerStore.configName,
            try directory.open(
                ContainerStore.configName, [.create, .exclusive, .writeOnly], mode: 0o600))
        try attempt(
            "write", on: ContainerStore.configName, try config.borrowed.write(all: document.bytes))
        guard container.waits else { return }
        let name = ContainerStore.fifoName
        // The container's user opens it, through the descriptor.
        try attempt(
            "mkfifo", on: name,
            try directory.makeNode(
                name, mode: 0o010_622, device: DeviceNumber(major: 0, minor: 0)))
        context.handover.fifo = try attempt(
            "openat", on: name, HeldDescriptor(try directory.open(name, .path)))
    }
}
