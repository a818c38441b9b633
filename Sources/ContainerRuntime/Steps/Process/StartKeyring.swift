internal import LinuxSystem
internal import SystemPackage

/// A session keyring, which copies of the process share.
struct StartKeyring: ContainerStep {
    static let manual = StepManual(
        "start a keyring",
        what: "Joins a new, empty session keyring.",
        why: """
            Only for exec and restore. For exec before the process makes its copy in the container, \
            which shares the keyring; for restore before criu, whose keyring the restored processes \
            share.
            """,
        calls: "keyctl")

    let summary = "start a session keyring"

    func apply(_ context: ContainerContext) throws(Failure) {
        do throws(Errno) {
            try CurrentProcess.startKeyring()
        } catch .noFunction {
            // A kernel without keys.
        } catch {
            throw Failure("keyctl", "KEYCTL_JOIN_SESSION_KEYRING", error)
        }
    }
}
