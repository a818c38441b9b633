internal import Cgroups
internal import LinuxSystem

/// `linux.cgroupsPath`, `linux.resources` with a user namespace.
struct MoveIntoControlGroup: TurnStep {
    static let manual = StepManual(
        "move it into the control group",
        what: "The runtime process writes the init process's number into the cgroup.",
        why: """
            Only with a user namespace that is joined, to whose root the host's cgroup files do not \
            belong, or with systemd, which may have to move it. Before the ids are mapped: until then \
            the init process does nothing that would not be counted.
            """,
        calls: "write")

    /// Whether there may be none.
    var isOptional = false

    let summary = "move it into the control group"
    let undoing = "goes with the process"
    var needs: Provisions { [.controlGroup] }

    func shell(_ commands: inout ShellCommands) {
        commands.run("enter_group \"$pid\"")
    }

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        // Never 0, which would be the runtime process itself.
        try context.handover.enterControlGroup(process: process.pid, isOptional: isOptional)
    }
}
