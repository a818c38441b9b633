internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The hierarchies that a mount of type `cgroup` shows.
struct FindControlGroups: RuntimeStep {
    static let manual = StepManual(
        "find the control groups",
        what: """
            Reads which hierarchies of control groups are mounted, and where the runtime process \
            is in them.
            """,
        why: "In the runtime process: the host's /proc tells it.",
        calls: "openat, read")

    /// Where they are mounted too.
    let findsPaths: Bool

    let summary = "find the host's control group hierarchies"
    var gives: Provisions { [.controlGroups] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        context.handover.controlGroups = try ControlGroupLayout.read(findsPaths: findsPaths)
    }
}
