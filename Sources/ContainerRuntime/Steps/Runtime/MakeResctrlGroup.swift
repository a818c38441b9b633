internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// `linux.intelRdt`
struct MakeResctrlGroup: RuntimeStep {
    static let manual = StepManual(
        "make the resctrl group",
        what: """
            Makes a directory in resctrl and writes which share of the caches and of the memory \
            bandwidth its processes get.
            """,
        why: "With the control group, before there is a process in it.",
        calls: "mkdir, write")

    let request: ResctrlRequest

    var summary: String { "make the group of resctrl \(request.group ?? request.name)" }
    let undoing = "removed when the container has ended, unless the config names it"
    var gives: Provisions { [.resctrlGroup] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let made = try ResctrlGroup.make(request)
        context.handover.resctrlGroup = made
        context.undoing.append(UsedResctrlGroup(group: made))
        guard let container = context.container else { return }
        context.state?.groups.resctrl = context.handover.resctrlGroup
        if let state = context.state {
            try attempt("write", "the state of \(container.id.text)", try container.write(state))
        }
    }
}

private struct UsedResctrlGroup: Undoing {
    let group: ResctrlGroup

    func undo() throws(Failure) {
        // What the container was to do is done or has failed; its outcome is what the caller
        // wants to know.
        try? group.remove()
    }
}
