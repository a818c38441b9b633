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
        let pidfd = process.pidfd
        func bringUp() throws(Errno) {
            let answers = try ChildProcess.runAside([]) { channel in
                do throws(Errno) {
                    try pidfd.joinNamespace(.network)
                    try Network.bringLoopbackUp()
                    try channel.send([0])
                } catch {
                    _ = try? channel.send([UInt8(clamping: error.rawValue)])
                }
            }
            guard let answer = try answers.receive() else { throw .noSuchProcess }
            let number = answer.bytes[0]
            if number != 0 { throw Errno(rawValue: CInt(number)) }
        }
        do throws(Failure) {
            try attempt("ioctl", "SIOCSIFFLAGS lo", try bringUp())
        } catch {
            throw context.abandonCRIU(error)
        }
    }
}
