internal import LinuxSystem
internal import SystemPackage

/// The parent-death signal. The kernel clears it when credentials change, so it is set again then.
/// The program can clear it too; from there the watchdog takes over.
struct TieToRuntime: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "die when the runtime process dies",
            what: """
                The kernel will kill the init process when the runtime process ends. The init \
                process is no longer dumpable: no other process of its user may look into it.
                """,
            why: """
                First of the init process's steps. Before it, the container could outlive a \
                runtime process that is killed.
                """,
            calls: "prctl, poll")
    }

    /// Not while somebody who is not root has still to give its user namespace ids: who is hidden
    /// belongs to root in /proc.
    var isHidden = true

    let summary = "die when the runtime process dies"
    var needs: Provisions { [.channel] }

    func apply(_ context: ContainerContext) throws(StepError) {
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
        let channel = try context.channel.given(.channel)
        let events = try stepping("poll") { () throws(Errno) in
            try Poll.ready(channel.channel.borrowed)
        }
        if !events.isDisjoint(with: .closed) { throw StepError("the runtime process is gone") }
    }
}
