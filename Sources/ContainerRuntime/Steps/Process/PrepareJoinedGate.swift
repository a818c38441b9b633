internal import LinuxSystem

/// The gate of a process that waits in a pid namespace of other processes. They must not find the
/// host's procfs there, and the pages of this process are not those of the one that waits.
struct PrepareJoinedGate: ContainerStep {
    static let manual = StepManual(
        "prepare to wait in a pid namespace that is joined",
        what: """
            Replaces the host's procfs by one of that namespace, through which the container \
            process opens the fifo of the start.
            """,
        why: """
            Only of create. After the last step that writes to the host's procfs, before the \
            capabilities go.
            """,
        calls: "fsconfig, fsmount")

    let summary = "prepare to wait for the start"
    var gives: Provisions { [.gate] }

    func apply(_ context: ContainerContext) throws(Failure) {
        try context.openJoinedProc()
        guard let proc = context.joinedProc else {
            throw Failure(
                "no procfs of the pid namespace that is joined can be mounted here; join the user"
                    + " namespace that it belongs to as well")
        }
        context.privateProc = proc
    }
}
