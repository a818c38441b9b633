internal import LinuxSystem
internal import SystemPackage

/// A session of its own, and the container's terminal as its controlling one.
struct StartSession: ContainerStep {
    static let manual = StepManual(
        "start a session",
        what: """
            Starts a session, whose controlling terminal is the container's, and a new, empty \
            session keyring. With vfs.init the terminal becomes that of the program's session.
            """,
        why: """
            Before the terminal becomes the session's. Always: the program could otherwise type \
            into the caller's terminal (CVE-2017-5226) and use the caller's keys.
            """,
        calls: "setsid, keyctl, ioctl, dup2")

    let hasTerminal: Bool
    var hasOwnKeyring = true
    /// Whether the terminal becomes the session's.
    var isControlled = true

    var summary: String {
        hasTerminal
            ? isControlled
                ? "start a session on the terminal"
                : "start a session; the terminal becomes the standard streams"
            : "start a session; standard streams pass through"
    }
    var needs: Provisions { hasTerminal ? [.terminal] : [] }

    func shell(_ commands: inout ShellCommands) {
        if hasTerminal {
            return commands.note(
                "No command: the terminal stays the caller's; setsid(1) would lose it.")
        }
        commands.run("session=$setsid")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt("setsid", try CurrentProcess.startSession())
        // Keys are in no namespace: with the caller's keyring the program could use its secrets.
        if hasOwnKeyring { try StartKeyring().apply(context) }
        guard hasTerminal else { return }
        let peer = try context.terminal.given(.terminal)
        if isControlled {
            try attempt("ioctl", "TIOCSCTTY", try peer.borrowed.makeControllingTerminal())
        }
        for stream in 0..<3 as Range<CInt> {
            try attempt("dup2", "the terminal", try peer.borrowed.become(standardStream: stream))
        }
        context.terminal = nil
    }
}
