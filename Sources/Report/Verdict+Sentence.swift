internal import Cgroups
internal import ContainerRuntime
internal import LinuxSystem
public import Supervision

extension Verdict {
    /// The verdict in words, for a person at a terminal; nil where the exit code says it all, and for a
    /// failure, whose sentence is printed anyway.
    public func sentence(_ outcome: Outcome) -> String? {
        func limit(_ name: RunLimits.Name) -> String {
            guard let value = outcome.limits.value(name) else { return "" }
            return " (\(RunLimits.words(name, value)))"
        }
        switch (status, reason) {
        case (.timeLimit, "cpu"): return "killed: out of processor time" + limit(.cpuTime)
        case (.timeLimit, _): return "killed: out of time" + limit(.wallTime)
        case (.memoryLimit, _): return "killed: out of memory" + limit(.memory)
        case (.outputLimit, _): return "killed: too much output" + limit(.output)
        case (.diskLimit, _):
            let isKilled = outcome.ending == .exceeded(.disk)
            return (isKilled ? "killed: too much on disk" : "failed: the disk is full")
                + limit(.disk)
        case (.violation, _): return "killed: a system call that the seccomp profile forbids"
        case (.signaled, _):
            guard case .signaled(let signal) = outcome.ending else { return nil }
            return "killed by signal \(signal): \(Signal.words(signal))" + refused(outcome)
        case (.failed, _): return outcome.refusals.isEmpty ? nil : "failed" + refused(outcome)
        case (.internalError, _), (.couldNotExecute, _), (.ok, _): return nil
        }
    }

    private func refused(_ outcome: Outcome) -> String {
        outcome.refusals.isEmpty ? "" : ": " + outcome.refusals.joined(separator: "; ")
    }
}

extension Outcome.Limits {
    /// The number of a limit, of the run or of `linux.resources`.
    func value(_ name: RunLimits.Name) -> UInt64? {
        switch name {
        case .memory: limits.memory?.value ?? memory
        case .processes: limits.processes?.value ?? processes
        default: limits[name]?.value
        }
    }
}

extension Outcome {
    /// What the kernel refused the program, or killed of it, while the program went on.
    fileprivate var refusals: [String] {
        var words: [String] = []
        if let count = usage.account?.refusedProcesses, count > 0 {
            let limit = limits.value(.processes).map { " (limit \($0))" } ?? ""
            words.append(
                "a new process was refused \(count == 1 ? "once" : "\(count) times")\(limit)")
        }
        if outOfMemoryKills > 0, ending != .outOfMemory {
            words.append(
                "the kernel killed \(outOfMemoryKills) of its processes for want of memory")
        }
        return words
    }
}
