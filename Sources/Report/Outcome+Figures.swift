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
        return max(
            (processes.userTime + processes.systemTime).without(spentUser + spentSystem),
            sumOfProcesses ?? 0)
    }

    var userTime: UInt64? {
        isCounted ? account?.userTime?.without(spentUser) : processes?.userTime.without(spentUser)
    }

    var systemTime: UInt64? {
        isCounted
            ? account?.systemTime?.without(spentSystem)
            : processes?.systemTime.without(spentSystem)
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
