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

extension ChildProcess.Ending {
    /// Whether that tells of a core of the process.
    public static func hasCore(report: [UInt8]) -> Bool {
        report.first.map { Int($0) == CLD_DUMPED } ?? false
    }

    /// From what `waitid` stores in `si_code` and `si_status`.
    ///
    /// - Parameter report: Two bytes; nil for any others.
    public init?(report: [UInt8]) {
        guard report.count == 2 else { return nil }
        switch Int(report[0]) {
        case CLD_EXITED: self = .exited(CInt(report[1]))
        case CLD_KILLED, CLD_DUMPED: self = .signaled(CInt(report[1]))
        default: return nil
        }
    }
}
