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
    /// Of a mount that asks for writing, what keeps hierarchies of version 1 read-only.
    var limited: Set<String>?
    /// Whether a mount asks for writing by name.
    var asksForWriting = false

    let summary = "find the host's control group hierarchies"
    var gives: Provisions { [.controlGroups] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let layout = try ControlGroupLayout.read(findsPaths: findsPaths)
        context.handover.controlGroups = layout
        guard asksForWriting else { return }
        let kept = layout.version1.filter { !(limited?.isDisjoint(with: $0) ?? false) }
        if kept.isEmpty { return }
        context.warn(
            "the container's view of the control groups stays read-only for "
                + kept.map(ControlGroupLayout.label).joined(separator: ", ")
                + (limited == nil
                    ? ": writing takes new namespaces of cgroups and pids"
                    : ": the container could lift its limits there"))
    }
}
