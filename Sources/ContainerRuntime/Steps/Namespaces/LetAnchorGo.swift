internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// systemd makes a scope around a process, which is not needed any more.
struct LetAnchorGo: RuntimeStep {
    static let manual = StepManual(
        "end the anchor of the scope",
        what: "Ends the process that systemd has made the scope around.",
        why: """
            Only with systemd, and after the init process is in the scope: systemd removes an \
            empty one.
            """,
        calls: "pidfd_send_signal, waitid")

    let resources: Resources

    let summary = "end the process that the scope was made around"
    var needs: Provisions { [.controlGroup] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        try context.handover.controlGroup?.letAnchorGo(resources)
    }
}
