internal import CLinux

extension ResourceLimit {
    /// As many open files as the hard limit allows; where that fails it stays as it is. The
    /// corresponding C function is `setrlimit`.
    public static func raiseOpenFiles() {
        _ = clinux_raise_open_files()
    }
}
