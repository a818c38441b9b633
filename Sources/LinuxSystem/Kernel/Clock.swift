internal import Glibc

/// The monotonic clock.
public enum Clock {
    public static var nanoseconds: UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    /// Nanoseconds of processor time of this process.
    public static var processorTime: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// A point in time to stop waiting at.
    public static func deadline(seconds: UInt64) -> UInt64 {
        nanoseconds + seconds * 1_000_000_000
    }

    public static var microseconds: UInt64 { nanoseconds / 1000 }

    /// Returns after that time, or when a signal arrives. The corresponding C function is
    /// `nanosleep`.
    public static func sleep(microseconds: UInt64) {
        var time = timespec(
            tv_sec: Int(microseconds / 1_000_000), tv_nsec: Int(microseconds % 1_000_000) * 1000)
        unsafe nanosleep(&time, nil)
    }

    /// The time of day in UTC as RFC 3339 has it: `2026-11-23T21:40:13.123456789Z`.
    public static var timestamp: String {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return timestamp(seconds: Int(now.tv_sec), nanoseconds: Int(now.tv_nsec))
    }

    /// - Parameter seconds: Since the start of 1970, not negative.
    public static func timestamp(seconds: Int, nanoseconds: Int) -> String {
        // Days counted from 1 March 0000, so that the leap day is the last of its year; 400 years
        // have 146,097 days.
        let days = seconds / 86400 + 719_468
        let dayOfEra = days % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let year = yearOfEra + days / 146_097 * 400 + (month < 10 ? 0 : 1)
        let date = "\(year)-\((month + 2) % 12 + 1, digits: 2)-\(day, digits: 2)"
        let rest = seconds % 86400
        let time =
            "\(rest / 3600, digits: 2):\(rest / 60 % 60, digits: 2):\(rest % 60, digits: 2)"
        return "\(date)T\(time).\(nanoseconds, digits: 9)Z"
    }
}

extension FileTime {
    /// As the kernel stamps a file that changes now. The corresponding C function is `clock_gettime`
    /// with `CLOCK_REALTIME_COARSE`.
    public static var now: FileTime {
        var now = Glibc.timespec()
        unsafe clock_gettime(CLOCK_REALTIME_COARSE, &now)
        return FileTime(seconds: Int64(now.tv_sec), nanoseconds: Int64(now.tv_nsec))
    }
}

extension DefaultStringInterpolation {
    fileprivate mutating func appendInterpolation(_ number: Int, digits: Int) {
        let text = String(number)
        appendLiteral(String(repeating: "0", count: max(0, digits - text.count)) + text)
    }
}
