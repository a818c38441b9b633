internal import LinuxSystem
internal import SystemPackage

/// `--pidfd-socket`
struct SendPIDFD: TurnStep {
    static var manual: StepManual {
        StepManual(
            "send the pidfd",
            what: "Sends a pidfd of the init process to the socket of --pidfd-socket.",
            why: "After all that can fail.",
            calls: "socket, connect, sendmsg")
    }

    let path: String
    /// What goes with it.
    let word: String

    var summary: String { "send the pidfd to \(path)" }

    func apply(
        _ context: RuntimeContext, to process: MadeProcess
    ) throws(StepError) {
        try stepping("sendmsg", path.inQuotes) { () throws(Errno) in
            let socket = try HostPath.connect(path)
            try socket.borrowed.send(Array(word.utf8), passing: process.pidfd)
        }
    }
}
