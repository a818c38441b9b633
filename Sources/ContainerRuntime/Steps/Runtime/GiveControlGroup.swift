internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// A cgroup that is mounted for writing is the container's to divide (cgroups(7), "Cgroup
/// delegation"): not in version 1, where that is not safe, and for root of the host only where the
/// kernel guards the limits.
struct GiveControlGroup: RuntimeStep {
    static let manual = StepManual(
        "give the control group",
        what: """
            Gives the directory, and the files that cgroups(7) names for delegation, to the \
            container's user.
            """,
        why: """
            After the limits, whose files stay root's. Before the init process, which may divide \
            the group at once.
            """,
        calls: "fchownat")

    /// Of the host.
    let user: UInt32

    var summary: String { "give the control group to the user \(user)" }
    let undoing = "goes with the control group"
    var needs: Provisions { [.controlGroup, .controlGroups] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let layout = try context.handover.controlGroups.given(.controlGroups)
        // None where the container may do without.
        guard let group = context.handover.controlGroup, layout.isUnified,
            user != 0 || group.isGuarded
        else { return }
        context.handover.givesControlGroup = true
        if user == 0 { return }
        try group.give(to: user)
    }
}
