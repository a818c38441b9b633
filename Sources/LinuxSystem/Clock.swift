internal import Glibc

/// The monotonic clock.
public enum Clock {
    public static var nanoseconds: UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    public static var microseconds: UInt64 { nanoseconds / 1000 }

    /// Returns after that time, or when a signal arrives. The corresponding C function is
    /// `nanosleep`.
    public static func sleep(microseconds: UInt64) {
        var time = timespec(
            tv_sec: Int(microseconds / 1_000_000), tv_nsec: Int(microseconds % 1_000_000) * 1000)
        unsafe nanosleep(&time, nil)
    }
}
