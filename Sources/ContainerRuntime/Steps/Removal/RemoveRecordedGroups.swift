internal import Cgroups
internal import LinuxSystem

/// The groups that the container's state names; where it names none, those that its creation has
/// announced before it was killed.
struct RemoveRecordedGroups: RuntimeStep {
    static let manual = StepManual(
        "remove the recorded groups",
        what: """
            Kills what is left in the control groups that the container's state names and removes \
            them, and its group of resctrl.
            """,
        why: "Before the state is removed, the only note of them.",
        calls: "openat, read, write, unlinkat, rmdir, ppoll")

    let summary = "remove the groups that the container's state names"
    let undoing = "nothing: they are gone"

    func apply(_ context: RuntimeContext) throws(Failure) {
        guard let container = context.container else { return }
        let groups = context.announcedGroups ?? context.state?.groups ?? ResourceGroups()
        if groups.cgroup.isEmpty {
            // Killed before it was written down as made.
            let announced = try container.announcedGroups
            try announced.requireGenuine(container.id)
            announced.controlGroup.removeLeftovers()
        } else {
            let group = groups.controlGroup
            do throws(Failure) {
                if try !group.processes().isEmpty { try group.signalAll(Signal.kill) }
                try group.remove()
            } catch {
                throw Failure("the control group cannot be removed: \(error)")
            }
        }
        do throws(Failure) {
            try groups.resctrl?.remove()
        } catch {
            throw Failure("the group of resctrl cannot be removed: \(error)")
        }
    }
}
