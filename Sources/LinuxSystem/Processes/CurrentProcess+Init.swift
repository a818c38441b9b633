internal import CLinux
internal import Glibc
public import SystemPackage

extension CurrentProcess {
    /// For the first process of a pid namespace: becomes the namespace's init, and goes on in a copy.
    /// Returns in the copy alone.
    ///
    /// - Parameter report: The only descriptor that the init keeps: it tells how the copy has ended.
    /// - Throws: The init could not be confined, or there is no copy.
    ///
    /// The corresponding C function is `clone`.
    public static func forkUnderInit(reporting report: FileDescriptor) throws(Failure) {
        var failed: UnsafePointer<CChar>?
        if unsafe clinux_fork_under_init(report.rawValue, &failed) == 0 { return }
        let error = Errno(rawValue: errno)
        let call = unsafe failed.map { unsafe String(cString: $0) } ?? "clone"
        throw Failure(
            call, "of the init", error,
            advice: error == .resourceTemporarilyUnavailable
                ? "the init is one more process: it counts against RLIMIT_NPROC and"
                    + " linux.resources.pids" : nil)
    }
}

/// What the init tells when the program has ended.
public struct ToldEnd: Sendable, Hashable {
    public var ending: ChildProcess.Ending
    /// What the program has used, and the orphans that have ended before it.
    public var usage: ProcessUsage

    static let size = 48

    /// - Parameter report: `told_end` of the init; nil for any other bytes.
    public init?(report: [UInt8]) {
        guard report.count == ToldEnd.size else { return nil }
        switch Int(report[0]) {
        case CLD_EXITED: ending = .exited(CInt(report[1]))
        case CLD_KILLED, CLD_DUMPED: ending = .signaled(CInt(report[1]))
        default: return nil
        }
        /// Less than any sum of them overflows with.
        func number(_ index: Int, times factor: UInt64 = 1) -> UInt64 {
            let bytes = report[8 + index * 8..<16 + index * 8]
            let value = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return min(value, .max >> 16) * factor
        }
        usage = ProcessUsage(
            userTime: number(0, times: 1000), systemTime: number(1, times: 1000),
            peakMemory: number(2, times: 1024))
        usage.voluntarySwitches = number(3)
        usage.forcedSwitches = number(4)
        usage.hasCore = Int(report[0]) == CLD_DUMPED
    }
}
