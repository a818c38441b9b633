internal import LinuxSystem

/// What the init process says of its start, directly before the program: the runtime process would
/// look too late on a busy machine.
package struct StartRecord: Sendable, Hashable {
    /// On the clock of the init process.
    package var time: UInt64
    /// Nanoseconds of processor time that the init process took.
    package var userTime: UInt64
    package var systemTime: UInt64

    package init(time: UInt64, userTime: UInt64, systemTime: UInt64) {
        self.time = time
        self.userTime = userTime
        self.systemTime = systemTime
    }

    /// Now, with the processor time up to `usage`.
    init?(_ usage: ProcessUsage?) {
        guard let usage else { return nil }
        self.init(
            time: Clock.nanoseconds, userTime: usage.userTime, systemTime: usage.systemTime)
    }
}
