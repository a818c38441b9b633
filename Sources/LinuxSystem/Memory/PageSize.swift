internal import Glibc

/// The unit in which the kernel gives out memory, in bytes.
public enum PageSize {
    /// The corresponding C function is `sysconf` with `_SC_PAGESIZE`.
    public static var bytes: Int64 { max(Int64(sysconf(CInt(_SC_PAGESIZE))), 4096) }
}
