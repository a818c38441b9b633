/// The limits of setrlimit(2), by the name config.json gives them.
public enum ResourceLimit: CInt, Sendable, Hashable, CaseIterable {
    case cpu = 0
    case fileSize, data, stack, core, residentSet, processes, openFiles, lockedMemory
    case addressSpace, locks, pendingSignals, messageQueues, nice, realtimePriority, realtimeTime

    /// The corresponding C constant, as a string: `RLIMIT_NOFILE`.
    public var name: String {
        "RLIMIT_" + ResourceLimit.names[Int(rawValue)]
    }

    private static let names = [
        "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS", "LOCKS",
        "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
    ]
}
