internal import LinuxSystem
internal import SystemPackage

/// The interface `lo` of a restored network namespace.
struct BringRestoredLoopbackUp: TurnStep {
    static let manual = StepManual(
        "bring the restored loopback interface up",
        what: """
            A process beside the runtime process joins the container's network namespace and sets \
            the flag IFF_UP of the interface lo.
            """,
        why: """
            While criu waits with the new namespace, in which it makes no devices, and before it \
            restores sockets.
            """,
        calls: "clone3, setns, socket, ioctl")

    let summary = "bring the loopback interface up"
    let undoing = "goes with the container"

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        do throws(Failure) {
            try attempt(
                "ioctl", "SIOCSIFFLAGS lo",
                try process.inNamespace(.network) { () throws(Errno) in
                    try Network.bringLoopbackUp()
                })
        } catch {
            throw context.abandonCRIU(error)
        }
    }
}
