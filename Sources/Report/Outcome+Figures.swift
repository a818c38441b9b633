internal import Cgroups
internal import LinuxSystem
internal import Supervision

/// The figures of a report, from the execution of the program on.
extension Outcome.Usage {
    /// The container's cgroup counts all processes; otherwise the first process counts those that were
    /// waited for.
    var processorTime: UInt64? {
        if let counted = account?.usage.processorTime {
            return counted.without(spentUser + spentSystem)
        }
        guard let processes else { return nil }
        let waitedFor = (processes.userTime + processes.systemTime)
            .without(spentUser + spentSystem)
        let most = max(waitedFor, sumOfProcesses ?? 0)
        // Nothing at all: those that have used it were killed and never waited for.
        return most > 0 ? most : nil
    }

    /// The kernel counts the sum to the nanosecond, and its parts in version 1 of cgroups by the tick:
    /// they share the sum.
    var userTime: UInt64? {
        guard let (user, system) = parts, let sum = processorTime else { return nil }
        if user + system == 0 { return nil }
        return UInt64(Double(sum) * (Double(user) / Double(user + system)))
    }

    var systemTime: UInt64? {
        guard let sum = processorTime, let user = userTime else { return nil }
        return sum.without(user)
    }

    private var parts: (user: UInt64, system: UInt64)? {
        if isCounted {
            guard let user = account?.userTime, let system = account?.systemTime else { return nil }
            return (user.without(spentUser), system.without(spentSystem))
        }
        return processes.map {
            ($0.userTime.without(spentUser), $0.systemTime.without(spentSystem))
        }
    }

    /// Bytes that the largest process had at one time. Nil where that was not more than the start took,
    /// from where the kernel goes on counting.
    var largest: UInt64? {
        processes.flatMap { $0.peakMemory > spentMemory ? $0.peakMemory : nil }
    }

    private var isCounted: Bool { account?.usage.processorTime != nil }
}

extension Outcome.Timings {
    /// Nanoseconds that the program ran.
    var running: UInt64? { started.map { ended.without($0) } }
    /// Nanoseconds from the first step to the program.
    var setup: UInt64? { started.map { $0.without(begun) } }
}

extension UInt64 {
    /// The rest, at least nothing.
    fileprivate func without(_ part: UInt64) -> UInt64 { self - Swift.min(self, part) }
}
