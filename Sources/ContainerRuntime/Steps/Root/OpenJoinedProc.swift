internal import LinuxSystem

/// A procfs of the pid namespace that is joined, for the process in it that waits for the start.
struct OpenJoinedProc: ContainerStep {
    static let manual = StepManual(
        "open a procfs of the pid namespace that is joined",
        what: "Makes a procfs of that namespace, attached nowhere, where there is none yet.",
        why: """
            Only of create in a user namespace, which may mount a procfs while it sees one: \
            before the pivot, which takes away the host's.
            """,
        calls: "fsconfig, fsmount")

    let summary = "open a procfs of the pid namespace that is joined"

    func apply(_ context: ContainerContext) throws(Failure) { try context.openJoinedProc() }
}
