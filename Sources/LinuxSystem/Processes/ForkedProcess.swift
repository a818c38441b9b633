internal import CLinux
internal import Glibc
public import SystemPackage

/// Work that is done in a copy of this process: what it changes of itself, as its namespaces and
/// mounts, goes with it.
public enum ForkedProcess {
    /// How it ended.
    public enum Outcome: Sendable, Hashable {
        /// The answer of the work.
        case finished([UInt8])
        /// It was killed: its time was up.
        case tooLate
        /// It ended before it had said anything.
        case ended(ChildProcess.Ending)
    }

    /// Does `work` in a copy of this process and waits for its end. The copy dies with this one.
    ///
    /// - Parameter nanoseconds: How long it may take.
    ///
    /// The corresponding C functions are `fork` and `waitpid`: they are there where `clone3` and
    /// pidfds are not.
    public static func run(
        within nanoseconds: UInt64, _ work: () -> [UInt8]
    ) throws(Errno) -> Outcome {
        let pipe = try Pipe()
        let pid = try check(clinux_fork())
        if pid == 0 {
            pipe.closeReader()
            report(work, to: pipe)
        }
        pipe.closeWriter()
        let deadline = Clock.nanoseconds + nanoseconds
        var said: [UInt8] = []
        var isComplete = false
        do throws(Errno) {
            while !isComplete, let reader = pipe.reader {
                let events = try Poll.wait([(reader, .readable)], until: deadline)
                if events[0].isEmpty && Clock.nanoseconds >= deadline { break }
                guard let bytes = try reader.readSome(65536) else { continue }
                said += bytes
                isComplete = bytes.isEmpty
            }
        } catch {
            try? Signal.send(Signal.kill, to: pid)
            _ = try? wait(pid)
            throw error
        }
        if !isComplete { try Signal.send(Signal.kill, to: pid) }
        let ending = try wait(pid)
        if !isComplete { return .tooLate }
        return said.isEmpty ? .ended(ending) : .finished(said)
    }

    private static func report(_ work: () -> [UInt8], to pipe: Pipe) -> Never {
        try? CurrentProcess.setParentDeathSignal(Signal.kill)
        // The reader of the pipe sees from the bytes what is missing.
        try? pipe.writer?.write(all: work())
        CurrentProcess.exit(0)
    }

    private static func wait(_ pid: Int32) throws(Errno) -> ChildProcess.Ending {
        var status: CInt = 0
        var signaled: CInt = 0
        try checkDone(unsafe clinux_wait(pid, &status, &signaled))
        return signaled != 0 ? .signaled(status) : .exited(status)
    }
}
