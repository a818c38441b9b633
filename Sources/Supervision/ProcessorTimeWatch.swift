internal import Cgroups
internal import LinuxSystem

/// The processor time of all processes of a container, looked at as often as it could have been
/// exceeded.
struct ProcessorTimeWatch {
    enum Source {
        /// The kernel counts.
        case group(ControlGroup)
        /// The sum of a process and its descendants, without those of the runtime's own. What one that was
        /// not waited for has used is lost.
        case processes(below: Int32, without: [Int32])
    }

    private let source: Source
    private let limit: UInt64
    /// What the start took.
    private let spent: UInt64
    private let processors = UInt64(Processors.online)
    private(set) var next: UInt64
    private(set) var sumOfProcesses: UInt64?

    /// Nanoseconds between two looks where it may be exceeded any moment.
    private static let least: UInt64 = 1_000_000

    init(_ source: Source, limit: UInt64, spent: UInt64, from time: UInt64) {
        self.source = source
        self.limit = limit
        self.spent = spent
        next = time + max(limit / processors, ProcessorTimeWatch.least)
    }

    /// - Returns: Whether the limit is exceeded.
    mutating func look(_ now: UInt64) -> Bool {
        guard now >= next else { return false }
        let used = measure()
        if used >= limit { return true }
        let end = Clock.nanoseconds
        // A sum over many processes takes no more than a tenth of a processor.
        let pause = max(
            (limit - used) / processors, ProcessorTimeWatch.least, min((end - now) * 9, 50_000_000))
        next = end + pause
        return false
    }

    var isExceeded: Bool {
        mutating get { measure() >= limit }
    }

    private mutating func measure() -> UInt64 {
        switch source {
        case .group(let group):
            // Nothing else holds the container to the limit.
            guard let used = group.processorTime else { return limit }
            return used - min(used, spent)
        case .processes(let root, let others):
            let used = ProcessTree.processorTime(below: root, without: others)
            // One that ends takes along what it was not waited for.
            let most = max(sumOfProcesses ?? 0, used - min(used, spent))
            sumOfProcesses = most
            return most
        }
    }
}
