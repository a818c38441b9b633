internal import LinuxSystem
internal import SystemPackage

/// `root.readonly`, which the images do not have of a root that comes from the host.
struct ProtectRestoredRoot: TurnStep {
    static let manual = StepManual(
        "make the restored root read-only",
        what: """
            A process beside the runtime process joins the container's mount namespace and makes \
            the mount of the root read-only.
            """,
        why: "When criu has made all that it makes in the root, and before a process goes on.",
        calls: "clone3, setns, openat, mount_setattr")

    let summary = "make the root read-only"
    let undoing = "goes with the container"

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        do throws(Failure) {
            try attempt(
                "mount_setattr", "\"/\" ro",
                try process.inNamespace(.mount) { () throws(Errno) in
                    let root = try HostPath.open("/", [.path, .directory])
                    try root.borrowed.setMountAttributes(set: .readOnly)
                })
        } catch {
            throw context.endRestored(error)
        }
    }
}
