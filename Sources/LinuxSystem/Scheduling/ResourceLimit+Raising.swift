internal import CLinux
internal import Glibc
internal import SystemPackage

/// The runtime process raises a limit that its caller may have lowered: open files, one for
/// each bind mount. What it executes gets the caller's limits back.
extension ResourceLimit {
    /// Raises the soft limit of open files as far as the hard one allows. A file that becomes larger
    /// than the caller's limit is an error from here on, and no end by SIGXFSZ.
    ///
    /// The corresponding C functions are `prlimit` and `signal`.
    public static func raiseOwn() {
        // Where they fail, what there is has to do, and an error will say that it does not.
        _ = clinux_ignore_file_size_signal()
        _ = clinux_raise_open_files()
    }

    /// The caller's limit of open files and the default action of SIGXFSZ, for what is executed next.
    ///
    /// - Parameter keepsFiles: The limit of open files has got another value, which stays.
    ///
    /// The corresponding C functions are `prlimit` and `signal`.
    public static func giveBack(keepsFiles: Bool = false) throws(Failure) {
        if keepsFiles {
            clinux_forget_open_files()
        } else {
            try attempt("prlimit", openFiles.name, _ = try check(clinux_give_back_open_files()))
        }
        try attempt("signal", "SIGXFSZ", try checkDone(clinux_set_default(SIGXFSZ)))
    }

    /// Runs `body`, which starts a program, under the caller's limit of open files: programs are
    /// about that close as many as there could be.
    static func withCallersFiles<Value>(
        _ body: () throws(Errno) -> Value
    ) throws(Errno) -> Value {
        let wasRaised = try check(clinux_give_back_open_files()) == 1
        defer { if wasRaised { _ = clinux_raise_open_files() } }
        return try body()
    }

    /// The hard limit of this process; the highest number where there is none. The corresponding C
    /// function is `getrlimit`.
    public var ceiling: UInt64 {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        return unsafe clinux_get_limit(rawValue, 1, &soft, &hard) == 0 ? hard : .max
    }

    /// The soft limit of this process; nil where there is none.
    public var now: UInt64? {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        let isKnown = unsafe clinux_get_limit(rawValue, 0, &soft, &hard) == 0
        return isKnown && soft != .max ? soft : nil
    }
}
