internal import LinuxSystem

/// `linux.intelRdt` with a user namespace.
struct MoveIntoResctrlGroup: TurnStep {
    static let manual = StepManual(
        "move it into the resctrl group",
        what: "The runtime process writes the init process's number into the resctrl group.",
        why: """
            Only with a user namespace, to whose root the group's files do not belong. With the \
            control group.
            """,
        calls: "write")

    let summary = "move it into the group of resctrl"
    let undoing = "goes with the process"
    var needs: Provisions { [.resctrlGroup] }

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        // Never 0, which would be the runtime process itself.
        try context.handover.enterResctrlGroup(process: process.pid)
    }
}
