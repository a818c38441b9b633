internal import LinuxSystem
internal import SystemPackage

/// The container's terminal instead of the caller's streams.
struct TakeTerminal: ContainerStep {
    static let manual = StepManual(
        "take the terminal",
        what: "Makes the container's terminal the standard streams.",
        why: """
            Before the process enters a pid namespace, where others can look into it. It \
            controls the session that starts there.
            """,
        calls: "dup2")

    let summary = "take the terminal as the standard streams"
    var needs: Provisions { [.terminal] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let peer = try context.terminal.given(.terminal)
        for stream in 0..<3 as Range<CInt> {
            try attempt("dup2", "of the terminal", try peer.borrowed.become(standardStream: stream))
        }
    }
}
