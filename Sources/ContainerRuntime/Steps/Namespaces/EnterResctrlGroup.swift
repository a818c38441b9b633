internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The init process enters it early: what it makes is in it too.
struct EnterResctrlGroup: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "enter the resctrl group",
            what: "The init process writes its own number into the resctrl group.",
            why: "Before it makes anything, which would be in another group.",
            calls: "write")
    }

    let summary = "enter the group of resctrl"
    let undoing = "goes with the process"

    func apply(_ context: ContainerContext) throws(StepError) {
        // 0 is the process that writes it.
        try context.enterResctrlGroup(process: 0)
    }
}

extension StartContext {
    func enterResctrlGroup(process: Int32) throws(StepError) {
        guard let group = resctrlGroup else {
            throw StepError("the plan has not made a group of resctrl")
        }
        do throws(ControlGroupError) {
            try group.add(process: process)
        } catch {
            throw StepError(error.sentence)
        }
    }
}
