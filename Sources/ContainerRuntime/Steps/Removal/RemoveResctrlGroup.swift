internal import Cgroups
internal import LinuxSystem

/// The group of resctrl of a container that this process has made, and that has ended.
struct RemoveResctrlGroup: RuntimeStep {
    static let manual = StepManual(
        "remove the resctrl group",
        what: "Removes its directory, unless the config names it.",
        why: "Behind the control group: by then no process is in it.",
        calls: "rmdir")

    let summary = "remove the group of resctrl"
    let undoing = "nothing: it is gone"

    func apply(_ context: RuntimeContext) throws(Failure) {
        // What the container was to do is done or has failed; its outcome is what the caller wants
        // to know.
        try? context.handover.resctrlGroup.take()?.remove()
        context.state?.groups.resctrl = nil
    }
}
