internal import LinuxSystem
internal import SystemPackage

/// The parent-death signal. The kernel clears it when credentials change, so it is set again then.
/// The program can clear it too; from there the watchdog takes over.
struct TieToRuntime: ContainerStep {
    static let manual = StepManual(
        "die when the runtime process dies",
        what: """
            The kernel will kill the init process when the runtime process ends. The init process \
            is no longer dumpable: no other process of its user may look into it.
            """,
        why: """
            First of the init process's steps. Before it, the container could outlive a runtime \
            process that is killed.
            """,
        calls: "prctl, poll")

    /// Whether the process becomes not dumpable: not while a runtime process without root has still to
    /// map its ids, since the files in /proc of such a process belong to root.
    var isHidden = true

    let summary = "die when the runtime process dies"
    var needs: Provisions { [.channel] }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt(
            "prctl", "PR_SET_PDEATHSIG", try CurrentProcess.setParentDeathSignal(Signal.kill))
        // No other process may look into this one while it still holds the host's descriptors
        // (CVE-2016-9962). The program gets it back by exec.
        if isHidden {
            try attempt("prctl", "PR_SET_DUMPABLE", try CurrentProcess.setDumpable(false))
        }
        // The runtime may have died before the first call: then its end of the channel is closed.
        let channel = try context.channel.given(.channel)
        let events = try attempt("poll", try Poll.ready(channel.channel.borrowed))
        if !events.isDisjoint(with: .closed) { throw Failure("the runtime process is gone") }
    }
}
