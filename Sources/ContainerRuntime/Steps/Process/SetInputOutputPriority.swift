internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// `process.ioPriority`
struct SetInputOutputPriority: ContainerStep {
    static let manual = StepManual(
        "set the I/O priority",
        what: """
            Sets the class and the level of the process's input and output. What it starts \
            inherits them.
            """,
        why: """
            Late, since it would hit the runtime's own work. Before the change of user: an \
            unprivileged user may not raise it.
            """,
        calls: "ioprio_set")

    let priority: Configuration.InputOutputPriority

    var summary: String { "set the I/O priority \(priority.kind.rawValue) \(priority.level)" }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt(
            "ioprio_set", priority.kind.rawValue,
            try CurrentProcess.setInputOutputPriority(
                kind: priority.kind.number, level: CInt(priority.level)))
    }
}
