internal import LinuxSystem
internal import SystemPackage

/// When the runtime process dies, so does the init process. First of all steps: from here on no
/// moment is left in which the container could outlive it.
///
/// The signal is cleared when credentials change, so it is set again after that; the program can
/// clear it, and from there the watchdog of `Foreground` takes over.
struct TieToRuntime: ContainerStep {
    static var manual: StepManual {
        StepManual(
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
    }

    /// Not while somebody who is not root has still to give its user namespace ids: who is hidden
    /// belongs to root in /proc.
    var isHidden = true

    let summary = "die when the runtime process dies"

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("prctl", "PR_SET_PDEATHSIG") { () throws(Errno) in
            try CurrentProcess.setParentDeathSignal(Signal.kill)
        }
        // Nobody else may look into this process while it still holds the host's descriptors
        // (CVE-2016-9962). The program gets it back by exec.
        if isHidden {
            try stepping("prctl", "PR_SET_DUMPABLE") { () throws(Errno) in
                try CurrentProcess.setDumpable(false)
            }
        }
        // The runtime may have died before the first call: then its end of the channel is closed.
        guard let channel = context.channel else { return }
        let events = try stepping("poll") { () throws(Errno) in
            try Poll.ready(channel.channel.borrowed)
        }
        if !events.isDisjoint(with: .closed) { throw StepError("the runtime process is gone") }
    }
}
