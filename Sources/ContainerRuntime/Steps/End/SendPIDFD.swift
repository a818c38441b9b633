internal import LinuxSystem
internal import SystemPackage

/// `--pidfd-socket`
struct SendPIDFD: TurnStep {
    static let manual = StepManual(
        "send the pidfd",
        what: "Sends a pidfd of the init process to the socket of --pidfd-socket.",
        why: "After all that can fail.",
        calls: "socket, connect, sendmsg")

    let path: String
    /// The bytes that go with it.
    let word: String

    var summary: String { "send the pidfd to \(path)" }

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        let socket = try attempt("connect", on: path, try HostPath.connect(path))
        try attempt(
            "sendmsg", on: path,
            try socket.borrowed.send(Array(word.utf8), passing: process.pidfd))
    }
}
