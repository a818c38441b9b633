internal import Glibc
public import SystemPackage

/// The machine's memory.
public enum Memory {
    /// How many pages it has, of 4 KiB.
    ///
    /// The corresponding C function is `sysconf` with `_SC_PHYS_PAGES`.
    public static func pages() throws(Errno) -> UInt64 {
        UInt64(try check(sysconf(CInt(_SC_PHYS_PAGES))))
    }
}
