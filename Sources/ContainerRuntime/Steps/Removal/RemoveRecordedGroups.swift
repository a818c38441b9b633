internal import Cgroups
internal import LinuxSystem

/// The groups that the container's state names; where it names none, those that its creation has
/// announced before it was killed.
struct RemoveRecordedGroups: RuntimeStep {
    static let manual = StepManual(
        "remove the recorded groups",
        what: """
            Removes the control groups that the container's state names, and its group of resctrl. \
            Without a pid namespace of the container's own it kills what is left in them; with one \
            nothing is left, and processes there are another container's.
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
            do throws(Failure) {
                try remove(groups.controlGroup, ownsProcesses: context.state?.ownsProcesses)
            } catch {
                // The state goes all the same: nothing of the container runs any more.
                context.warn("the control group cannot be removed: \(error)")
            }
        }
        do throws(Failure) {
            try groups.resctrl?.remove()
        } catch {
            throw Failure("the group of resctrl cannot be removed: \(error)")
        }
    }

    private func remove(
        _ group: ControlGroup, ownsProcesses: Bool?
    ) throws(Failure) {
        if ownsProcesses != true {
            if try !group.processes().isEmpty { try group.signalAll(Signal.kill) }
            return try group.remove()
        }
        // A process that has ended stays in its cgroup for a moment; one that stays longer is of others.
        var pause: UInt64 = 100
        while isInUse(group) {
            if pause > 200_000 { throw Failure("it is in use by other processes, and stays") }
            Clock.sleep(microseconds: pause)
            pause *= 2
        }
        try group.remove()
    }

    /// Where its processes cannot be listed the kernel decides: it removes no cgroup that has some.
    private func isInUse(_ group: ControlGroup) -> Bool {
        do throws(Failure) {
            return try !group.processes().isEmpty
        } catch {
            return false
        }
    }
}
