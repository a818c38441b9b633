internal import Cgroups
internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

/// Holds the container to the limits that nothing in the kernel holds it to. It is asked in every
/// turn of the session's loop, from the program's execution on.
struct LimitWatch {
    /// A job of a batch may have others, before its program runs.
    var limits: HeldLimits
    private let group: ControlGroup?
    private let output: OutputCount
    /// When the time is over.
    private var wallEnd: UInt64?
    private var processorTime: ProcessorTimeWatch?
    private var disk: DiskWatch?
    private var precedence: Precedence?
    /// Of version 1, where the kernel kills one process and not all.
    private var memory: OutOfMemoryWatch?
    /// The kernel's kill, once it was told of.
    private var kill: AwaitedKill?
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
    ///   - others: Those that are the runtime's.
    ///   - spent: Nanoseconds of processor time that the start took.
    mutating func start(at time: UInt64, root: Int32, without others: [Int32], spent: UInt64) {
        if limits.value(.wallTime) != nil || limits.value(.cpuTime) != nil {
            precedence = Precedence(from: time)
        }
        if let limit = limits.value(.wallTime) { wallEnd = time + limit }
        if let limit = limits.value(.cpuTime) {
            let source: ProcessorTimeWatch.Source? =
                limits.ofGroup.contains(.cpuTime)
                ? group.map { .group($0) } : .processes(below: root, without: others)
            processorTime = source.map {
                ProcessorTimeWatch($0, limit: limit, spent: spent, from: time)
            }
        }
    }

    /// The same, where uppers on a disk are watched.
    ///
    /// - Parameter processes: Those that may have the container's user namespace.
    mutating func startDisk(
        ofContainerOf processes: [Int32], root: Int32, without others: [Int32]
    ) {
        guard let limit = limits.value(.disk), !limits.watched.isEmpty else { return }
        do throws(Failure) {
            disk = try DiskWatch(
                limits.watched, limit: limit, ofContainerOf: processes, root: root,
                without: others)
        } catch {
            problem = error
        }
    }

    /// What to wait for beside the time: that memory has run out, and that the disk was looked at.
    var watchedMemory: TerminalProxy.Watched { (memory?.borrowed, .readable) }
    var watchedDisk: TerminalProxy.Watched { (disk?.borrowed, .readable) }

    /// When it is to be asked at the latest.
    var next: UInt64? {
        var next = wallEnd
        next.bringForward(processorTime?.next)
        next.bringForward(disk?.next)
        next.bringForward(kill?.next)
        return next
    }

    /// - Parameters:
    ///   - ofMemory: Whether something has happened to `watchedMemory`.
    ///   - ofDisk: The same of `watchedDisk`.
    /// - Returns: A limit that the container has exceeded.
    mutating func look(_ now: UInt64, ofMemory: Bool, ofDisk: Bool) -> RunLimits.Name? {
        if output.isExceeded { return .output }
        if let wallEnd, now >= wallEnd { return .wallTime }
        if processorTime?.look(now) == true { return .cpuTime }
        do throws(Failure) {
            if ofDisk { try disk?.take() }
            try disk?.check(now)
        } catch {
            problem = error
        }
        if disk?.isExceeded == true { return .disk }
        if ofMemory { takeEvent(now) }
        return looksKilled(now) ? .memory : nil
    }

    /// In every turn, also while the container ends: what the runtime process takes itself has a limit.
    mutating func lookAtTurns() {
        if precedence != nil { precedence?.look(Clock.nanoseconds) }
    }

    /// The container has ended, or has to: nothing is to be in time any more.
    mutating func stop() {
        precedence?.end()
        precedence = nil
    }

    /// Has the disk looked at once more, when the container has ended.
    ///
    /// - Throws: The disk could not be looked at: then the limit may not have held.
    func askForDisk() throws(Failure) {
        if let problem { throw problem }
        // What exceeded it may be gone by now.
        if disk?.isExceeded == false { try disk?.ask() }
    }

    /// What tells of that, and by when; nil where it was done.
    var awaitedDisk: (descriptor: FileDescriptor, deadline: UInt64)? {
        disk.flatMap { $0.hasLooked || $0.isExceeded ? nil : ($0.borrowed, $0.next) }
    }

    /// - Parameter isReadable: Whether it tells.
    func takeDisk(isReadable: Bool) throws(Failure) {
        if isReadable { try disk?.take() }
        try disk?.check(Clock.nanoseconds)
    }

    /// What the container has used when it has ended: it may have exceeded a limit since the last look.
    mutating func lookAtEnd() -> RunLimits.Name? {
        if output.isExceeded { return .output }
        if processorTime?.isExceeded == true { return .cpuTime }
        if disk?.isExceeded == true { return .disk }
        return nil
    }

    /// Processes of the runtime's own.
    var helpers: [Int32] { disk.map { [$0.pid] } ?? [] }
    /// Bytes and files in the upper.
    var diskUsage: DiskWatch.Usage? { disk?.usage }
    /// Nanoseconds of processor time by the last sum over `/proc`.
    var sumOfProcesses: UInt64? { processorTime?.sumOfProcesses }

    private mutating func takeEvent(_ now: UInt64) {
        do throws(Failure) {
            _ = try memory?.take()
            kill = AwaitedKill(from: now)
        } catch {
            problem = error
        }
    }

    private mutating func looksKilled(_ now: UInt64) -> Bool {
        guard let awaited = kill, now >= awaited.next else { return false }
        if group?.outOfMemoryKills ?? 0 > 0 { return true }
        kill = awaited.later(now)
        return false
    }
}

/// In version 1 the kernel tells that memory has run out, and kills then: at once, unless another
/// process frees some or the machine is busy.
private struct AwaitedKill {
    /// When it is looked for.
    private(set) var next: UInt64
    private var pause: UInt64 = 500_000
    private let last: UInt64

    /// Nanoseconds between two looks at most, and in all.
    private static let longest: UInt64 = 128_000_000
    private static let patience: UInt64 = 10_000_000_000

    init(from time: UInt64) {
        next = time
        last = time + AwaitedKill.patience
    }

    /// Nil once there will be none: the kernel tells anew before the next one.
    func later(_ now: UInt64) -> AwaitedKill? {
        if now >= last { return nil }
        var awaited = self
        awaited.next = now + pause
        awaited.pause = min(pause * 2, AwaitedKill.longest)
        return awaited
    }
}

extension UInt64? {
    /// The earlier of two points in time; nil is none.
    mutating func bringForward(_ other: UInt64?) {
        if let other { self = Swift.min(self ?? other, other) }
    }
}
