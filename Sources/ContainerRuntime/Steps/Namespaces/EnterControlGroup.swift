internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The init process enters the cgroup before all else that it does: what it makes is counted, and
/// a namespace of cgroups that is made or joined afterwards has its root there.
struct EnterControlGroup: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "enter the control group",
            what: """
                The init process writes its own number into the cgroup, unless clone3 has made it \
                there.
                """,
            why: """
                Before it makes anything, which would not be counted. A namespace of cgroups has its \
                root where the process is that makes or joins it.
                """,
            calls: "write")
    }

    /// Whether there may be none.
    var isOptional = false

    let summary = "enter the control group"
    let undoing = "goes with the process"

    func apply(_ context: ContainerContext) throws(StepError) {
        // 0 is the process that writes it.
        try context.enterControlGroup(process: 0, isOptional: isOptional)
    }
}

extension StartContext {
    /// Moves a process into the container's control group.
    func enterControlGroup(process: Int32, isOptional: Bool) throws(StepError) {
        guard let group = controlGroup else {
            if isOptional { return }
            throw StepError("the plan has not made a control group")
        }
        do throws(ControlGroupError) {
            do throws(ControlGroupError) {
                try group.enter(process: process, isInVersion2: startsInControlGroup)
            } catch {
                guard try restoreControlGroup(), let anew = controlGroup else { throw error }
                try anew.enter(process: process, isInVersion2: startsInControlGroup)
            }
        } catch {
            throw StepError(error.sentence)
        }
    }
}
