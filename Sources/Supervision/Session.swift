internal import Cgroups
internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

/// The time between the making of the init process and the moment the runtime lets go of it: one
/// thread, one `poll`.
struct Session: ~Copyable {
    /// How it ended.
    enum Ending {
        /// It is left to itself: created, or running.
        case left
        case exited(CInt)
        case signaled(CInt)
        /// A step of the init process failed.
        case failed(step: Int, Failure)
        /// A step of the runtime's that the init process waited for failed.
        case refused(Failure)
        /// The init process ended before the program ran, and could not say why.
        case endedEarly(ChildProcess.Ending)
        /// The runtime cannot follow the container any more.
        case lost(Failure)
        /// The runtime process was asked to end before the program ran.
        case interrupted(CInt)
        case timedOut
        case stopped
        /// The container has exceeded a limit of its config.
        case exceeded(RunLimits.Name)
    }

    var child: ChildProcess
    var channel: Channel?
    let signals: SignalQueue
    let walk: PlanWalk
    let until: Milestone
    var limits: Supervisor.Limits
    private(set) var relays: [StreamRelay] = []
    let readiness: ReadinessProxy?
    /// Of the init, until it has told how the program has ended.
    var report: InitReport?
    /// Whether the program has ended and nothing but the init is left, which ends by itself.
    private(set) var isAlone = false
    var proxy: TerminalProxy?
    var proxyRelay: ProxyRelay?
    var failure: Ending?
    /// Whether the caller acts on the program's start: then a death on the way there is told apart at
    /// once, and otherwise in the end.
    let looksAtStart: Bool
    /// Whether the init process has said that it executes the program next.
    var isExecuting = false
    /// What it has said of its start.
    var startRecord: StartRecord?
    var watch: LimitWatch
    let output: OutputCount
    /// When the init process was there.
    private(set) var begunAt = Clock.nanoseconds
    /// When there was a job, where the plan is that of many.
    private(set) var jobAt: UInt64?
    /// When the init process became the program, as far as it was looked at.
    private(set) var startedAt: UInt64?
    var isCreated = false
    var hasEntered = false
    /// A signal that the kernel would have dropped and the runtime has carried out.
    var endedBy: CInt?
    /// How the program beside an init has ended.
    var programsEnd: ChildProcess.Ending?
    var programHasCore: Bool?
    /// A signal that has ended the start.
    var interruption: CInt?
    /// Whether the runtime process was asked to end: then no reader is waited for any more.
    var isToEnd = false
    /// The limit that has ended the container.
    var exceeded: Ending?
    /// By when all its processes have ended, once they were killed or the program has ended.
    var lastMoment: UInt64?
    /// What the first process has used, once it has ended, and how it has.
    private(set) var usage: ProcessUsage?
    private(set) var ended: ChildProcess.Ending?
    /// When its end was seen.
    var endedAt: UInt64?

    /// How long, in milliseconds, a reader that takes nothing of the program's last words is waited
    /// for when the runtime process was asked to end.
    static let lastWords: UInt64 = 200

    init(
        _ child: consuming ChildProcess, _ channel: consuming Channel,
        _ signals: consuming SignalQueue, _ walk: PlanWalk, until: Milestone,
        _ limits: Supervisor.Limits
    ) {
        self.child = child
        self.channel = consume channel
        self.signals = signals
        self.walk = walk
        self.until = until
        self.limits = limits
        let output = OutputCount(limit: walk.limits.value(.output))
        self.output = output
        watch = LimitWatch(walk.limits, walk.controlGroup, output)
        let relays = walk.plan.awaitsJob ? [] : walk.pipes.map { StreamRelay($0, output) }
        self.relays = relays
        readiness = walk.takeReadiness().map(ReadinessProxy.init)
        report = walk.takeReport()
        // What is left of the program beside an init the init alone waits for.
        looksAtStart = until == .started || walk.plan.actsOnStart || walk.plan.hasInit
    }

    /// Of connections to a proxy on the host.
    var proxyCounts: Outcome.Proxy? { proxyRelay?.counts }

    var hasStarted: Bool { startedAt != nil }

    /// Why the manager could not be told that the program is ready.
    var readinessProblem: String? { readiness?.problem }

    /// Returns when the container is as far as the runtime accompanies it, or has ended, and the
    /// terminal is as it was.
    mutating func run() -> Ending {
        do throws(Failure) {
            try watch.prepare()
            while try handleEvents() {
                if failure == nil && isFarEnough { return .left }
            }
            watch.stop()
            try drainStreams()
        } catch {
            failure = failure ?? .lost(error)
            watch.stop()
            kill()
        }
        proxy?.restore()
        if isAlone, failure == nil, let programsEnd {
            self.ended = programsEnd
            lookAtEnd()
            return ending(programsEnd)
        }
        let ended: ChildProcess.Ending
        do {
            try awaitEnd()
            let first = try child.wait(keepingRemains: true)
            ended = programsEnd ?? first
            if programsEnd == nil { lookAtRemains(ended) }
            self.ended = ended
            lookAtEnd()
            // It ended before it was ready. What waits for the container takes the zombie.
            if until == .started && hasStarted && failure == nil && exceeded == nil { return .left }
            usage = try child.waitMeasuring().usage
            if let programHasCore { usage?.hasCore = programHasCore }
        } catch .timedOut {
            return .lost(Session.remains)
        } catch {
            return .lost(Failure("waitid", "of the init process", error))
        }
        // Its descriptor is closed next, and another one may get the number.
        walk.relieveWatchdog()
        return ending(ended)
    }

    private func ending(_ ended: ChildProcess.Ending) -> Ending {
        if let interruption { return .interrupted(interruption) }
        if let exceeded { return exceeded }
        if let failure { return failure }
        if let endedBy { return .signaled(endedBy) }
        if !hasStarted { return .endedEarly(ended) }
        switch ended {
        case .exited(let code): return .exited(code)
        case .signaled(let signal): return .signaled(signal)
        }
    }

    /// The init process, which still is to be waited for.
    consuming func takeChild() -> ChildProcess { child }

    /// Nanoseconds of processor time of the start, in user mode and in kernel mode.
    var spent: (user: UInt64, system: UInt64) {
        (startRecord?.userTime ?? 0, startRecord?.systemTime ?? 0)
    }

    /// Bytes of physical memory that the start took.
    var spentMemory: UInt64 { startRecord?.peakMemory ?? 0 }

    /// Of the watch for the limits.
    var diskUsage: DiskWatch.Usage? { watch.diskUsage }
    var sumOfProcesses: UInt64? { watch.sumOfProcesses }

    /// The end of the channel is the program's start, or a death on the way there: a filter that
    /// kills for execve, want of memory, a SIGKILL from outside. Only the first of them counts as an
    /// execution to the kernel.
    mutating func lookAtRemains(_ ended: ChildProcess.Ending) {
        // The init process has this code where a filter keeps it from saying what went wrong.
        if case .exited(let code) = ended, code != InitProcess.failureCode, hasStarted { return }
        if failure != nil || channel != nil { return }
        setStarted(hasExecuted ?? isExecuting)
    }

    /// Of the process that becomes the program. Nil where `/proc` does not say.
    var hasExecuted: Bool? {
        if walk.executesNothing { return isExecuting }
        return walk.program.map(ProcessIdentity.hasExecuted) ?? child.hasExecuted
    }

    /// The init process waits for a job.
    mutating func takeJob() throws(Failure) {
        guard walk.plan.awaitsJob, jobAt == nil, let next = limits.nextJob else {
            throw Failure("the init process asked for a job out of turn")
        }
        let given = try next(child.borrowed)
        let now = Clock.nanoseconds
        (begunAt, jobAt) = (now, now)
        try walk.give(given.job, input: given.input)
        output.limit = walk.limits.value(.output)
        watch.limits = walk.limits
        relays = walk.pipes.map { StreamRelay($0, output) }
    }

    /// The program beside the init has ended. The init keeps the remains, which `/proc` tells of,
    /// until the report is closed.
    mutating func takeReport() throws(Failure) {
        guard let report = report.take() else { return }
        guard let told = try attempt("recvmsg", "from the init", try report.end()) else { return }
        endedAt = endedAt ?? Clock.nanoseconds
        boundEnd()
        programsEnd = told.ending
        programHasCore = told.usage.hasCore
        lookAtRemains(told.ending)
        // The init and the remains of the program, as long as the report is open.
        guard limits.answersEarly, walk.controlGroup?.processCount == 2 else { return }
        isAlone = true
        usage = told.usage
    }

    mutating func setStarted(_ hasStarted: Bool) {
        if !hasStarted {
            startedAt = nil
        } else if startedAt == nil {
            let now = Clock.nanoseconds
            var time = now
            // The process may be attacked by then, and on another clock.
            if let record = startRecord, walk.plan.sharesClock {
                time = min(max(record.time, begunAt), now)
            }
            startedAt = time
            // Orphans of a container that shares the pid namespace are this process's.
            let isAlone = walk.plan.ownsProcesses || walk.plan.joinsContainer
            let root = isAlone ? child.pid : CurrentProcess.pid
            watch.startDisk(
                ofContainerOf: [walk.program ?? child.pid, child.pid], root: root,
                without: walk.helpers + [CurrentProcess.pid])
            watch.start(
                at: time, root: root, without: walk.helpers + watch.helpers,
                spent: spent.user + spent.system)
        }
    }

    /// Whether the runtime's part is done.
    var isFarEnough: Bool {
        switch until {
        case .created: isCreated
        case .started: hasStarted && readiness?.isDone ?? true
        case .ended: false
        }
    }

    /// Waits once; false when the init process has ended and said all it had to say.
    mutating func handleEvents() throws(Failure) -> Bool {
        let waitsForWords = channel != nil
        var entries: [TerminalProxy.Watched] = [
            (channel?.borrowed, .readable), (signals.borrowed, .readable),
            (waitsForWords ? nil : child.borrowed, .readable), (readiness?.watched, .readable),
            (waitsForWords ? nil : report?.borrowed, .readable),
        ]
        entries += proxy?.watched ?? TerminalProxy.nothing
        let relayed = entries.count
        // A job that comes meanwhile brings more.
        let relays = relays
        for relay in relays { entries += relay.watched }
        let connected = entries.count
        entries += proxyRelay?.watched ?? []
        let notices = walk.notices
        let notified = notices?.watched
        // Nobody waits for one as long as no filter notifies.
        if let notified { entries.append((notified, .readable)) }
        entries.append(watch.watchedMemory)
        entries.append(watch.watchedDisk)
        let events = try attempt(
            "poll", try Poll.wait(entries, until: nextDeadline, isInterruptible: false))
        if !events[0].isEmpty { try receive() }
        if !events[4].isEmpty { try takeReport() }
        // What it has written last is drained.
        if isAlone { return false }
        // Whose signal it is depends on whether the program runs: what the init process has said so
        // far comes first.
        if !events[1].isEmpty, try !hasMoreToReceive() { try forwardSignals() }
        try proxy?.handle(events[5..<relayed])
        for (index, relay) in relays.enumerated() {
            relay.handle(events[(relayed + index * StreamRelay.watchedCount)...])
        }
        let last = events.count - (notified == nil ? 2 : 3)
        proxyRelay?.handle(events[connected..<last])
        if notified != nil, !events[last].isEmpty { try notices?.handle(limits.onCall) }
        // In the foreground this process stands for the container.
        let isMain = until == .ended
        readiness?.isHurried = isToEnd
        readiness?.handle(
            events[3], mainPID: isMain ? CurrentProcess.pid : child.pid, waits: !isMain)
        if !events[2].isEmpty {
            endedAt = endedAt ?? Clock.nanoseconds
            return false
        }
        enforceLimits(
            ofMemory: !events[events.count - 2].isEmpty, ofDisk: !events[events.count - 1].isEmpty)
        if let lastMoment, Clock.nanoseconds >= lastMoment { throw Session.remains }
        return true
    }

    /// When something is due, whatever happens until then.
    var nextDeadline: UInt64? {
        var next = readiness?.deadline
        next.bringForward(lastMoment)
        next.bringForward(proxyRelay?.next)
        guard exceeded == nil, programsEnd == nil else { return next }
        next.bringForward(limits.deadline)
        if !hasStarted { next.bringForward(limits.startDeadline) }
        next.bringForward(limits.observer?.next)
        next.bringForward(watch.next)
        return next
    }

    mutating func hasMoreToReceive() throws(Failure) -> Bool {
        guard let descriptor = channel?.borrowed else { return false }
        return try attempt("poll", !(try Poll.ready(descriptor, .readable).isEmpty))
    }
}
