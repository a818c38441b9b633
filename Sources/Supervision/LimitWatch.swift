internal import Cgroups
internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

/// Holds the container to the limits that nothing in the kernel holds it to. It is asked in every
/// turn of the session's loop, from the program's execution on.
struct LimitWatch {
    private let limits: HeldLimits
    private let group: ControlGroup?
    private let output: OutputCount
    /// When the time is over.
    private var wallEnd: UInt64?
    private var processorTime: ProcessorTimeWatch?
    private var disk: DiskWatch?
    /// Of version 1, where the kernel kills one process and not all.
    private var memory: OutOfMemoryWatch?
    /// When the kernel's kill is looked for again.
    private var memoryNext: UInt64?
    /// What could not be looked at: a limit that does not hold ends the container.
    private(set) var problem: Failure?

    init(_ limits: HeldLimits, _ group: ControlGroup?, _ output: OutputCount) {
        self.limits = limits
        self.group = group
        self.output = output
    }

    /// Before the program runs: what has to be there by then.
    mutating func prepare() throws(Failure) {
        guard limits.ofGroup.contains(.memory), let group, group.version(of: "memory") == 1
        else { return }
        memory = try OutOfMemoryWatch(group)
    }

    /// The program was executed.
    ///
    /// - Parameters:
    ///   - root: The process whose descendants are the container's, where nothing else counts them.
    ///   - spent: Nanoseconds of processor time that the start took.
    mutating func start(at time: UInt64, root: Int32, spent: UInt64) {
        if let limit = limits.value(.wallTime) { wallEnd = time + limit }
        if let limit = limits.value(.cpuTime) {
            let source: ProcessorTimeWatch.Source? =
                limits.ofGroup.contains(.cpuTime)
                ? group.map { .group($0) } : .processes(below: root)
            processorTime = source.map {
                ProcessorTimeWatch($0, limit: limit, spent: spent, from: time)
            }
        }
        if let limit = limits.value(.disk), !limits.watched.isEmpty {
            disk = DiskWatch(limits.watched, limit: limit, from: time)
        }
    }

    /// What to wait for beside the time.
    var watched: (descriptor: FileDescriptor?, events: Poll.Events) {
        (memory?.borrowed, .readable)
    }

    /// When it is to be asked at the latest.
    var next: UInt64? {
        [wallEnd, processorTime?.next, disk?.next, memoryNext].compactMap(\.self).min()
    }

    /// - Parameter hasEvent: Whether something has happened to `watched`.
    /// - Returns: A limit that the container has exceeded.
    mutating func look(_ now: UInt64, hasEvent: Bool) -> RunLimits.Name? {
        if output.isExceeded { return .output }
        if let wallEnd, now >= wallEnd { return .wallTime }
        if processorTime?.look(now) == true { return .cpuTime }
        if disk?.look(now) == true { return .disk }
        if hasEvent || memoryNext.map({ now >= $0 }) == true, looksKilled(now, hasEvent) {
            return .memory
        }
        return nil
    }

    /// What the container has used when it has ended: it may have exceeded a limit since the last look.
    mutating func lookAtEnd() -> RunLimits.Name? {
        if output.isExceeded { return .output }
        if processorTime?.isExceeded == true { return .cpuTime }
        if disk?.isExceeded == true { return .disk }
        return nil
    }

    /// Bytes and files in the upper.
    var diskUsage: DiskWatch.Usage? { disk?.usage }
    /// Nanoseconds of processor time by the last sum over `/proc`.
    var sumOfProcesses: UInt64? { processorTime?.sumOfProcesses }

    /// The kernel tells first and kills then.
    private mutating func looksKilled(_ now: UInt64, _ hasEvent: Bool) -> Bool {
        do throws(Failure) {
            if hasEvent { _ = try memory?.take() }
        } catch {
            problem = error
        }
        if group?.outOfMemoryKills ?? 0 > 0 { return true }
        memoryNext = now + 1_000_000
        return false
    }
}
