internal import Cgroups
internal import ContainerRuntime
internal import JSON
public import LinuxSystem
public import Supervision

/// How a run in a box is told: the meta file of isolate(1), lines of `key:value`, in its order.
public struct BoxMeta {
    /// What the run was held to, in milliseconds; 0 is no limit.
    public struct Limits: Sendable {
        public var time: UInt64 = 0
        public var wallTime: UInt64 = 0
        /// Whether memory is told of the control group.
        public var usesControlGroup = false

        public init() {}
    }

    /// The text of the file.
    public private(set) var text = ""
    /// What is told on standard error; nil where the program ended well.
    public private(set) var message: String?
    /// 0 where the program ended well, 1 where it did not, 2 for an error of vfs-run.
    public private(set) var exitCode: CInt = 0
    /// `0.012 sec real, 0.034 sec wall`
    public private(set) var times = ""

    private let limits: Limits

    public init(_ outcome: Outcome, _ limits: Limits) {
        self.limits = limits
        let interruption = outcome.interruption
        if let interruption {
            add("exitsig", "\(interruption)")
            fail("SG", "Interrupted")
        } else if outcome.wasKilled {
            failForTime(wall: outcome.isPastWallTime)
        }
        if message != nil { add("killed", "1") }
        addFigures(outcome)
        if message != nil { return }
        let (time, wall) = (outcome.milliseconds, outcome.wallMilliseconds)
        if limits.time > 0 && time > limits.time || outcome.ending == .exceeded(.cpuTime) {
            failForTime(wall: false)
        } else if limits.wallTime > 0 && wall > limits.wallTime {
            failForTime(wall: true)
        } else {
            addEnd(outcome)
        }
    }

    /// Of a run that has not come to be.
    public init(_ failure: Failure) {
        limits = Limits()
        switch failure.kind {
        // isolate(1) runs a program of its own that ends with 127.
        case .programNotFound, .programNotExecutable:
            addFigures(BoxMeta.seconds(0), BoxMeta.seconds(0), nil)
            add("exitcode", "127")
            fail("RE", "Exited with error status 127")
        // It was killed before it could run.
        case .outOfMemory:
            addFigures(BoxMeta.seconds(0), BoxMeta.seconds(0), nil)
            add("exitsig", "9")
            fail("SG", "Caught fatal signal 9")
        case .interrupted:
            add("exitsig", "\(failure.signal)")
            fail("SG", "Interrupted")
            add("killed", "1")
        default:
            let line = failure.lines.joined(separator: "; ").printable(upTo: .longestMessage)
            fail("XX", line)
            exitCode = 2
        }
    }

    private mutating func add(_ key: String, _ value: String) { text += "\(key):\(value)\n" }

    private mutating func fail(_ status: String, _ message: String) {
        add("status", status)
        add("message", message)
        self.message = message
        exitCode = 1
    }

    private mutating func failForTime(wall: Bool) {
        fail("TO", "Time limit exceeded" + (wall ? " (wall clock)" : ""))
    }

    private mutating func addEnd(_ outcome: Outcome) {
        switch outcome.program {
        case .exited(let code)?:
            add("exitcode", "\(code)")
            if code != 0 { fail("RE", "Exited with error status \(code)") }
        case .signaled(let signal)?:
            add("exitsig", "\(signal)")
            fail("SG", "Caught fatal signal \(signal)")
        case nil:
            fail("XX", "the end of the program is unknown")
            exitCode = 2
        }
    }

    private mutating func addFigures(_ outcome: Outcome) {
        let usage = outcome.usage
        let time = BoxMeta.seconds(outcome.milliseconds)
        let wall = BoxMeta.seconds(outcome.wallMilliseconds)
        times = "\(time) sec real, \(wall) sec wall"
        addFigures(time, wall, usage.processes)
        guard limits.usesControlGroup else { return }
        if let peak = usage.account?.usage.peakMemory { add("cg-mem", "\(peak / 1024)") }
        if outcome.outOfMemoryKills > 0 { add("cg-oom-killed", "1") }
    }

    /// - Parameter processes: Nil where the program has used nothing.
    private mutating func addFigures(_ time: String, _ wall: String, _ processes: ProcessUsage?) {
        add("time", time)
        add("time-wall", wall)
        add("max-rss", "\((processes?.peakMemory ?? 0) / 1024)")
        add("csw-voluntary", "\(processes?.voluntarySwitches ?? 0)")
        add("csw-forced", "\(processes?.forcedSwitches ?? 0)")
    }

    /// `1.234`
    private static func seconds(_ milliseconds: UInt64) -> String {
        JSONOutput.thousandths(Int64(clamping: milliseconds)).compactText
    }
}

extension Outcome {
    fileprivate var milliseconds: UInt64 { (usage.processorTime ?? 0) / 1_000_000 }
    /// Of a program that has not come to run, those of its start.
    fileprivate var wallMilliseconds: UInt64 {
        (timings.running ?? timings.ended - timings.begun) / 1_000_000
    }

    /// The signal that has asked the runtime process to end, which has ended the program.
    fileprivate var interruption: CInt? {
        guard case .signaled(let signal) = ending, signal != Signal.kill,
            program == .signaled(Signal.kill)
        else { return nil }
        return signal
    }

    fileprivate var isPastWallTime: Bool { ending == .exceeded(.wallTime) || ending == .timedOut }

    /// Whether the program was killed at a limit of time. One that has ended by itself before that was
    /// seen was not.
    fileprivate var wasKilled: Bool {
        let isAtLimit = isPastWallTime || ending == .exceeded(.cpuTime)
        switch program {
        case .signaled(Signal.kill)?, .signaled(Signal.processorTime)?, nil: return isAtLimit
        default: return false
        }
    }
}
