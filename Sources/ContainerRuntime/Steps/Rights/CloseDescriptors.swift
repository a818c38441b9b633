internal import LinuxSystem
internal import SystemPackage

/// Nothing of the host's may be open in the container (CVE-2016-9962, CVE-2024-21626). Closed, not
/// only marked close-on-exec: the program's own name could be one of them.
struct CloseDescriptors: ContainerStep {
    static var manual: StepManual {
        StepManual(
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
    }

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

    func apply(_ context: StartContext) throws(StepError) {
        guard let channel = context.channel else {
            throw StepError("the plan has no channel to the runtime process")
        }
        var kept = [channel.channel.borrowed]
        // Close-on-exec, all; the gate leads to a fifo, the procfs to the container's own.
        if let fifo = context.fifo { kept.append(fifo.borrowed) }
        if context.fifo != nil, let proc = context.privateProc {
            kept.append(proc.directory.borrowed)
        }
        if let pageMap = context.pageMap { kept.append(pageMap) }
        // Of exec, which takes it when it is a process of the container.
        if let peer = context.terminalPeer { kept.append(peer.borrowed) }
        for number in 3..<3 + CInt(preserved) { kept.append(FileDescriptor(rawValue: number)) }
        try stepping("close_range") { () throws(Errno) in
            try CurrentProcess.closeDescriptors(except: kept)
        }
    }
}
