internal import LinuxSystem
internal import SystemPackage

/// The parent-death signal. The kernel clears it when credentials change, so it is set again then.
/// The program can clear it too; from there the watchdog takes over.
struct TieToRuntime: ContainerStep {
    static let manual = StepManual(
        "die when the runtime process dies",
        what: """
            The kernel will kill the init process when the runtime process ends. The init process \
            is no longer dumpable: no other process of its user may look into it. One that another \
            process has made waits until the runtime process knows it.
            """,
        why: """
            First of the init process's steps. Before it, the container could outlive a runtime \
            process that is killed.
            """,
        calls: "prctl, poll, recvmsg")

    /// Whether the process becomes not dumpable: not while a runtime process without root has still to
    /// map its ids, since the files in /proc of such a process belong to root.
    var isHidden = true
    /// Whether a process in between has made it, and the runtime process has still to hear of it: a
    /// failure there must not leave it behind, in a control group that is being removed.
    var isIntroduced = false

    let summary = "die when the runtime process dies"
    var needs: Provisions { [.channel] }

    func shell(_ commands: inout ShellCommands) {
        commands.note("unshare(1) does it by --kill-child.")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt(
            "prctl", "PR_SET_PDEATHSIG", try CurrentProcess.setParentDeathSignal(Signal.kill))
        // No other process may look into this one while it still holds the host's descriptors
        // (CVE-2016-9962). The program gets it back by exec.
        if isHidden {
            try attempt("prctl", "PR_SET_DUMPABLE", try CurrentProcess.setDumpable(false))
        }
        // The runtime process may have ended before the first call. Then its end of the channel is
        // closed, unless the watchdog still holds it.
        let channel = try context.channel.given(.channel)
        var isGone = try isGone(channel.channel.borrowed, .closed)
        if !isGone, let lifeline = context.handover.lifeline {
            isGone = try self.isGone(lifeline, .readable)
        }
        if !isGone && isIntroduced {
            isGone = try attempt(
                "recvmsg", "from the runtime process",
                try channel.channel.borrowed.receiveBytes(Channel.capacity) == nil)
        }
        if isGone { throw Failure("the runtime process has ended") }
    }

    private func isGone(
        _ descriptor: FileDescriptor, _ sign: Poll.Events
    ) throws(Failure) -> Bool {
        !(try attempt("poll", try Poll.ready(descriptor, sign))).isDisjoint(with: sign)
    }
}
