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
        context.handover.resctrlGroup = try ResctrlGroup.make(request)
        guard let container = context.container else { return }
        context.state?.groups.resctrl = context.handover.resctrlGroup
        if let state = context.state {
            try attempt("write", "the state of \(container.id.text)", try container.write(state))
        }
    }
}
