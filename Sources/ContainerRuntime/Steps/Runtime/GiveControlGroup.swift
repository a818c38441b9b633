internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// Where the config mounts its cgroup for writing the container may divide it among its processes
/// (cgroups(7), "Cgroup delegation"). In version 1 that is not safe. In version 2 the limits
/// themselves stay the host's: their files are root's, and root of the host in the container is
/// held off by the kernel only where it was told to.
struct GiveControlGroup: RuntimeStep {
    static var manual: StepManual {
        StepManual(
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
    }

    /// Of the host.
    let user: UInt32

    var summary: String { "give the control group to the user \(user)" }
    let undoing = "goes with the control group"

    func apply(_ context: StartContext) throws(StepError) {
        guard let group = context.controlGroup, context.controlGroups?.isUnified == true,
            user != 0 || group.isGuarded
        else { return }
        context.givesControlGroup = true
        if user == 0 { return }
        do throws(SystemCallError) {
            try group.give(to: user)
        } catch {
            throw error
        }
    }
}
