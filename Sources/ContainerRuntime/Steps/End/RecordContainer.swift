internal import LinuxSystem
internal import SystemPackage

/// state.json of a container that is created.
struct RecordContainer: TurnStep {
    static let manual = StepManual(
        "record the container",
        what: """
            Writes the state of the container, with the pid and the start time of its init \
            process: it is created.
            """,
        why: """
            After all that can fail: a command that reads the state finds a container that is \
            there.
            """,
        calls: "openat, write, rename")

    let namespaces: NamespaceSet
    /// Whether all processes of the container end with its first.
    let ownsProcesses: Bool

    let summary = "record the container as created"
    let undoing = "the directory goes with the container"
    var needs: Provisions { [.container] }

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        let container = try context.container.given(.container)
        var state = try context.state.given(.container)
        state.process = try attempt(
            "open", on: "/proc/\(process.pid)/stat", try ProcessIdentity(of: process.pid))
        if let program = context.program {
            state.program = try attempt(
                "open", on: "/proc/\(program)/stat", try ProcessIdentity(of: program))
        }
        state.namespaces = namespaces.rawValue
        state.ownsProcesses = ownsProcesses
        try attempt("write", "the state of \(container.id.text)", try container.write(state))
        context.state = state
        context.isRecorded = true
    }
}
