internal import LinuxSystem
internal import SystemPackage

/// Descriptors of the host's (CVE-2016-9962, CVE-2024-21626).
struct CloseDescriptors: ContainerStep {
    static let manual = StepManual(
        "close descriptors",
        what: """
            Closes every descriptor except the standard streams and those that the caller passes \
            on.
            """,
        why: """
            Nothing of the host's may be open in the container. Closed, not only marked \
            close-on-exec: the program's own name could be /proc/self/fd/N. Before the filter: a \
            profile written for older kernels may not allow close_range(2).
            """,
        calls: "close_range")

    /// How many, from 3 on, the caller passes on.
    var preserved = 0

    var summary: String {
        let streams = "close every descriptor but the standard streams"
        return switch preserved {
        case 0: streams
        case 1: streams + " and number 3"
        default: streams + " and numbers 3 to \(2 + preserved)"
        }
    }
    var needs: Provisions { [.channel] }

    func shell(_ commands: inout ShellCommands) {
        commands.note("The last shell closes those of the turns; the caller's own stay open.")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        var kept = [try context.channel.given(.channel).channel.borrowed]
        // Close-on-exec, all; the gate leads to a fifo, the procfs to the container's own.
        if let fifo = context.handover.fifo { kept.append(fifo.borrowed) }
        if context.handover.fifo != nil, let proc = context.privateProc {
            kept.append(proc.directory.borrowed)
        }
        if let pageMap = context.pageMap { kept.append(pageMap) }
        if let held = context.landlockRules { kept.append(held.rules.borrowed) }
        if let report = context.handover.report { kept.append(report.channel.borrowed) }
        // Of exec, which takes it when it is a process of the container.
        if let peer = context.terminal { kept.append(peer.borrowed) }
        for number in 3..<3 + CInt(preserved) { kept.append(FileDescriptor(rawValue: number)) }
        try attempt("close_range", try CurrentProcess.closeDescriptors(except: kept))
    }
}
