internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The container's share of caches and of the way to memory, before there is a process in it.
struct MakeResctrlGroup: Step {
    let request: ResctrlRequest

    let side = Side.runtime
    var summary: String { "make the group of resctrl \(request.group ?? request.name)" }
    let undoing = "removed when the container has ended, unless the config names it"

    func apply(_ context: StartContext) throws(StepError) {
        do throws(ControlGroupError) {
            let made = try ResctrlGroup.make(request)
            context.resctrlGroup = made
            context.undoing.append(UsedResctrlGroup(group: made))
        } catch {
            throw error
        }
        guard let container = context.container else { return }
        context.state?.groups.resctrl = context.resctrlGroup
        try stepping("write", "the state of \(container.id.text)") { () throws(Errno) in
            if let state = context.state { try container.write(state) }
        }
    }
}

private struct UsedResctrlGroup: Undoing {
    let group: ResctrlGroup

    func undo() throws(RuntimeError) {
        // What the container was to do is done or has failed; its outcome is what the caller
        // wants to know.
        try? group.remove()
    }
}

/// The init process enters it early: what it makes is in it too.
struct EnterResctrlGroup: Step {
    /// The runtime's with a user namespace, whose root is nobody to the group's files.
    var side = Side.container
    let summary = "enter the group of resctrl"
    let undoing = "goes with the process"

    func apply(_ context: StartContext) throws(StepError) {
        guard let group = context.resctrlGroup else {
            throw StepError("the plan has not made a group of resctrl")
        }
        let process = side == .container ? 0 : try context.madeProcess().pid
        do throws(ControlGroupError) {
            try group.add(process: process)
        } catch {
            throw error
        }
    }
}
