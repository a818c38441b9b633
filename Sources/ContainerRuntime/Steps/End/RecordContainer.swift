internal import LinuxSystem
internal import SystemPackage

/// The container is created: whoever asks for its state finds it.
struct RecordContainer: RuntimeStep {
    static var manual: StepManual {
        StepManual(
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
    }

    let namespaces: NamespaceSet
    /// Whether all processes of the container end with its first.
    let ownsProcesses: Bool

    let summary = "write the container down as created"
    let undoing = "the directory goes with the container"

    func apply(_ context: StartContext) throws(StepError) {
        guard let container = context.container, var state = context.state,
            let process = context.initProcess
        else { throw StepError("the plan has no container at this point") }
        try stepping("write", "the state of \(container.id.text)") { () throws(Errno) in
            state.process = try ProcessIdentity(of: process.pid)
            state.namespaces = namespaces.rawValue
            state.ownsProcesses = ownsProcesses
            try container.write(state)
        }
        context.state = state
        context.isRecorded = true
    }
}
