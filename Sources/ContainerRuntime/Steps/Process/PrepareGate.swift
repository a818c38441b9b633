internal import LinuxSystem
internal import SystemPackage

/// The procfs through which the init process opens the gate, taken while it may still mount.
struct PrepareGate: ContainerStep {
    static let manual = StepManual(
        "prepare to wait for the start",
        what: "Opens the procfs and the page map that the init process needs when it waits.",
        why: """
            Only for create. Before the capabilities go: afterwards the process may mount \
            nothing.
            """,
        calls: "fsopen, fsmount, openat2")

    let summary = "prepare to wait for the start"
    var gives: Provisions { [.gate] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let proc = try context.openPrivateProc()
        // Where there is none, or it may not be read, the container waits with more memory.
        context.pageMap = try? proc.directory.borrowed.openPageMap().release()
    }
}
