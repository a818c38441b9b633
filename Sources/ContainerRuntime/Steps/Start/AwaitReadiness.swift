internal import LinuxSystem

/// The program may take as long as it likes to be ready.
struct AwaitReadiness: RuntimeStep {
    static let manual = StepManual(
        "wait until the program is ready",
        what: """
            Reads what the program says at its socket, and passes it on to the manager, until it \
            is ready or has ended.
            """,
        why: "Last: the container is started, and other commands may have it.",
        calls: "pidfd_open, poll, recvfrom, sendmsg, pipe2")

    /// The caller's `NOTIFY_SOCKET`.
    let host: String

    var summary: String { "pass on to \(host) that the program is ready, and wait until it is" }
    let undoing = "nothing"

    func apply(_ context: RuntimeContext) throws(Failure) {
        guard let socket = context.readiness.take(), let process = context.state?.process,
            let held = try? process.held()
        else { return }
        context.followReadiness(AwaitedReadiness(socket: socket, pid: process.pid, process: held))
    }
}
