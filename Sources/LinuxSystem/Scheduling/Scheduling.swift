internal import CLinux
internal import Glibc
public import SystemPackage

/// How a process is scheduled (sched(7)).
public struct SchedulingAttributes: Sendable, Hashable {
    /// The number of the policy, `SCHED_*`.
    public var policy: UInt32
    /// Bits of `SCHED_FLAG_*`.
    public var flags: UInt64
    /// −20…19.
    public var nice: Int32
    /// 1…99 for the real-time policies, 0 for the others.
    public var priority: UInt32
    /// Of the deadline policy, in nanoseconds.
    public var runtime: UInt64
    public var deadline: UInt64
    public var period: UInt64

    public init(
        policy: UInt32, flags: UInt64, nice: Int32, priority: UInt32, runtime: UInt64,
        deadline: UInt64, period: UInt64
    ) {
        self.policy = policy
        self.flags = flags
        self.nice = nice
        self.priority = priority
        self.runtime = runtime
        self.deadline = deadline
        self.period = period
    }
}

extension SchedulingAttributes {
    /// Whether a copy of the process has them too. The kernel refuses to copy a process with the
    /// deadline policy (`SCHED_DEADLINE`), and `SCHED_FLAG_RESET_ON_FORK` asks for the default.
    public var isInherited: Bool { policy != 6 && flags & 1 == 0 }
}

extension CurrentProcess {
    /// - Parameter process: 0 for this one.
    ///
    /// The corresponding C function is `sched_setattr`.
    public static func setScheduling(
        _ attributes: SchedulingAttributes, of process: Int32 = 0
    ) throws(Errno) {
        try checkDone(
            clinux_set_scheduler(
                process, attributes.policy, attributes.flags, attributes.nice, attributes.priority,
                attributes.runtime, attributes.deadline, attributes.period))
    }

    /// How this process takes its turns on a busy machine.
    public enum Turns: Sendable {
        /// As any other.
        case ordinary
        /// Soon after it has woken, as one that asks for short turns and no more of the processors than
        /// before. Nothing changes before Linux 6.12.
        case short
        /// At once (`SCHED_FIFO`), as root alone may.
        case first
    }

    /// Whether this process is of the default policy, and nobody has asked for less than that.
    ///
    /// The corresponding C functions are `sched_getscheduler` and `getpriority`.
    public static var mayTakeTurns: Bool {
        // It tells whether children get the default policy in one more bit.
        sched_getscheduler(0) & ~0x4000_0000 == SCHED_OTHER && niceness <= 0
    }

    /// Processes that it makes later take theirs as any other.
    ///
    /// The corresponding C functions are `getpriority` and `sched_setattr`.
    public static func take(_ turns: Turns) throws(Errno) {
        let resetsOnFork: UInt64 = 1
        func set(_ flags: UInt64) throws(Errno) {
            try setScheduling(
                SchedulingAttributes(
                    policy: UInt32(turns == .first ? SCHED_FIFO : SCHED_OTHER), flags: flags,
                    nice: niceness, priority: turns == .first ? 1 : 0,
                    runtime: turns == .short ? shortTurn : 0, deadline: 0, period: 0))
        }
        if turns == .ordinary {
            // Root alone may have it that children inherit again what the caller has asked for.
            do throws(Errno) { return try set(0) } catch {}
        }
        try set(resetsOnFork)
    }

    private static var niceness: Int32 {
        getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
    }

    /// Nanoseconds: the shortest turn there is.
    private static var shortTurn: UInt64 { 100_000 }

    /// - Parameters:
    ///   - kind: `IOPRIO_CLASS_*`: 1 real-time, 2 best-effort, 3 idle.
    ///   - level: 0, the highest, to 7.
    ///
    /// The corresponding C function is `ioprio_set`.
    public static func setInputOutputPriority(kind: CInt, level: CInt) throws(Errno) {
        try checkDone(clinux_set_io_priority(kind << 13 | level))
    }

    /// - Parameter persona: `PER_LINUX` (0) or `PER_LINUX32` (8).
    ///
    /// The corresponding C function is `personality`.
    public static func setPersonality(_ persona: UInt) throws(Errno) {
        try checkDone(clinux_set_personality(persona))
    }
}
