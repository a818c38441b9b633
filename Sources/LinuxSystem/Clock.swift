internal import Glibc

/// The monotonic clock.
public enum Clock {
    public static var nanoseconds: UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    public static var microseconds: UInt64 { nanoseconds / 1000 }
}
