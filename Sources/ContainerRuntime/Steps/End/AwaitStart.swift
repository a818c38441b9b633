internal import LinuxSystem
internal import SystemPackage

/// `create`: the end of exec.fifo that `start` reads the other of. The init process reports
/// through it from here on, and its close is the program's start.
struct AwaitStart: ContainerStep {
    static let manual = StepManual(
        "wait for the start",
        what: "Opens exec.fifo for writing, which blocks until start opens it for reading.",
        why: """
            After everything that needs the host or the runtime process: start is another \
            process, any time later.
            """,
        calls: "openat, write")

    let summary = "wait for the start"

    /// The first bytes for the reader.
    static let opened: [UInt8] = [UInt8(ascii: "0")]
    var needs: Provisions { [.container, .gate] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let fifo = try context.handover.fifo.given(.container)
        let proc = try context.privateProc.given(.gate)
        context.channel = nil
        // It may be a long time. Without a handler the first process of a pid namespace would not
        // even receive a signal that asks it to end.
        let pageMap = context.pageMap.take()
        try attempt("sigaction", "of the init process", try Signal.endQuietly())
        let gate = try attempt(
            "open", ContainerStore.fifoName,
            try fifo.borrowed.reopenAtRest(
                through: proc.directory.borrowed, .writeOnly, pageMap: pageMap))
        try attempt(
            "write", ContainerStore.fifoName, try gate.borrowed.write(all: AwaitStart.opened))
        context.gate = HeldDescriptor(gate)
        context.handover.fifo = nil
        context.privateProc = nil
    }
}
