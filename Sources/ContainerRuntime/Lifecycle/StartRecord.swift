internal import LinuxSystem

/// What the init process says of its start, directly before the program: the runtime process would
/// look too late on a busy machine.
package struct StartRecord: Sendable, Hashable {
    /// On the clock of the init process.
    package var time: UInt64
    /// Nanoseconds of processor time that the init process took.
    package var userTime: UInt64
    package var systemTime: UInt64
    /// Bytes of physical memory that it had at one time: the kernel goes on counting from there.
    package var peakMemory: UInt64

    package init(time: UInt64, userTime: UInt64, systemTime: UInt64, peakMemory: UInt64) {
        self.time = time
        self.userTime = userTime
        self.systemTime = systemTime
        self.peakMemory = peakMemory
    }

    /// Now, with what this process, and the init that has made it, have used.
    init?(_ usage: ProcessUsage?, _ ofInit: ProcessUsage?) {
        guard let usage else { return nil }
        self.init(
            time: Clock.nanoseconds, userTime: usage.userTime + (ofInit?.userTime ?? 0),
            systemTime: usage.systemTime + (ofInit?.systemTime ?? 0),
            peakMemory: max(usage.peakMemory, ofInit?.peakMemory ?? 0))
    }
}
