internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// `linux.intelRdt`
struct EnterResctrlGroup: ContainerStep {
    static let manual = StepManual(
        "enter the resctrl group",
        what: "The init process writes its own number into the resctrl group.",
        why: "Before it makes anything, which would be in another group.",
        calls: "write")

    let summary = "enter the group of resctrl"
    let undoing = "goes with the process"
    var needs: Provisions { [.resctrlGroup] }

    func apply(_ context: ContainerContext) throws(Failure) {
        // 0 is the process that writes it.
        try context.handover.enterResctrlGroup(process: 0)
    }
}
