internal import CLinux
internal import Glibc

/// The resources that a process and the descendants it has waited for have used (getrusage(2)).
public struct ProcessUsage: Sendable, Hashable {
    /// Nanoseconds of processor time in user mode.
    public var userTime: UInt64
    /// Nanoseconds of processor time in kernel mode.
    public var systemTime: UInt64
    /// Bytes of physical memory that the largest of them had at one time.
    public var peakMemory: UInt64
    /// How often one of them gave up the processor to wait, and how often the kernel took it away.
    public var voluntarySwitches: UInt64 = 0
    public var forcedSwitches: UInt64 = 0
    /// Whether the kernel has written a core of the process.
    public var hasCore = false

    public init(userTime: UInt64, systemTime: UInt64, peakMemory: UInt64) {
        self.userTime = userTime
        self.systemTime = systemTime
        self.peakMemory = peakMemory
    }

    /// Nothing.
    public static let zero = ProcessUsage(userTime: 0, systemTime: 0, peakMemory: 0)

    init(_ usage: rusage) {
        self.init(
            userTime: ProcessUsage.nanoseconds(usage.ru_utime),
            systemTime: ProcessUsage.nanoseconds(usage.ru_stime),
            peakMemory: UInt64(usage.ru_maxrss) * 1024)
        voluntarySwitches = UInt64(usage.ru_nvcsw)
        forcedSwitches = UInt64(usage.ru_nivcsw)
    }

    /// What this process has used, and all its threads. Nil where it may not ask. The corresponding C
    /// function is `getrusage` with `RUSAGE_SELF`.
    public static var ofThisProcess: ProcessUsage? {
        var usage = rusage()
        return unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0
            ? ProcessUsage(usage) : nil
    }

    private static func nanoseconds(_ time: timeval) -> UInt64 {
        UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_usec) * 1000
    }
}
