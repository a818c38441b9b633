internal import LinuxSystem
internal import SystemPackage

/// `vfs.init`
struct StartInit: ContainerStep {
    static let manual = StepManual(
        "become the init beside the program",
        what: """
            The init process makes a copy of itself, process 2, which goes on to the program in a \
            session of its own. Process 1 becomes the init: it passes signals on to process 2, takes \
            note of the ends of orphans, reports the program's ending to the runtime process, and \
            ends; all that is left ends with it. The init has no capability, no descriptor but its \
            report, is not dumpable, and a seccomp filter allows it the calls of its loop alone.
            """,
        why: """
            Only with vfs.init. After the rights were read back: both processes have them by then, \
            and the program has exactly those that it would have without an init. Before the filter: \
            the program's filter need not allow what the init does. Without no_new_privs the filter \
            is there already and has to allow it. Before the container is recorded, whose state \
            names the program.
            """,
        calls: """
            getrusage, pipe2, rt_sigprocmask, clone, close_range, prctl, capset, capget, seccomp, \
            write, read, close, setsid, ioctl
            """)

    let hasTerminal: Bool
    /// Whether what the start took is asked for.
    var measures = true

    let summary = "become the init beside the program, which is process 2"
    var needs: Provisions { [.report, .channel] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let report = try context.handover.report.given(.report)
        let channel = try context.channel.given(.channel)
        if measures {
            // Where the filter is there already, it need not allow the question.
            context.usageOfInit = context.usageBeforeFilter ?? ProcessUsage.ofThisProcess
        }
        if context.usageBeforeFilter != nil { context.usageBeforeFilter = .zero }
        try CurrentProcess.forkUnderInit(reporting: report.channel.borrowed)
        // From here on this is process 2.
        context.handover.report = nil
        // It tells of the pages of process 1.
        if let pageMap = context.pageMap.take() { _ = OwnedDescriptor(pageMap) }
        try attempt("setsid", try CurrentProcess.startSession())
        if hasTerminal {
            try attempt(
                "ioctl", "TIOCSCTTY", try FileDescriptor.standardInput.makeControllingTerminal())
        }
        try attempt(
            "write", "to the runtime process",
            try channel.channel.borrowed.write(all: InitMessage.forked.encoded))
    }
}
