package import Cgroups
package import Layers
package import LinuxSystem
internal import SystemPackage

/// Carries out a plan: the runtime process's half, the making of the init process, the turns that
/// the init process waits for, and what follows when the container has ended.
///
/// It waits for nothing but its own steps. A supervisor asks it for the next part of the plan.
package final class PlanWalk {
    package let plan: Plan
    private let times: SharedTimes?
    private let warn: (String) -> Void
    private let context: RuntimeContext
    /// The step that the init process has asked for last.
    private var lastTurn = -1
    /// What the run is held to: by the plan, or by its job.
    package private(set) var limits: HeldLimits
    /// The job of a plan of many.
    private var job: PlannedJob?

    /// - Parameters:
    ///   - trace: Receives the times of the steps.
    ///   - warn: Receives each deviation from the config, and each failure to remove something.
    ///   - prepared: What the starts of the plan have in common.
    ///   - streams: Files in the place of standard streams; the program gets pipes.
    ///   - follow: Passes on what the program says of itself until it is ready.
    package init(
        _ plan: Plan, trace: Trace? = nil, prepared: PreparedStart? = nil,
        streams: [StandardStream: HeldDescriptor] = [:], warn: @escaping (String) -> Void,
        follow: @escaping (AwaitedReadiness) -> Void = { _ in }
    ) {
        self.plan = plan
        limits = plan.limits
        times = trace?.times
        self.warn = warn
        context = RuntimeContext(prepared)
        context.streamFiles = streams
        context.views = trace?.views
        context.warn = warn
        context.followReadiness = follow
    }

    // MARK: The runtime process's half

    /// Takes the steps before the one that makes the init process; all of them, where none does.
    package func prepare() throws(Failure) {
        if plan.awaitsJob { context.handover.job = try context.prepared?.emptyJob() }
        for (index, planned) in plan.steps.prefix(plan.entry).enumerated() {
            try apply(index, planned)
        }
    }

    /// The CPUs that the process of `exec` is made on, a bit each.
    package var initialAffinity: [UInt64]? {
        guard plan.steps.indices.contains(plan.entry) else { return nil }
        return (plan.steps[plan.entry].step as? JoinContainer)?.affinity?.words
    }

    /// `SECCOMP_FILTER_FLAG_*`; nil without a filter.
    package var filterFlags: UInt32? { context.handover.seccompFilter?.flags }

    /// Makes the init process, which goes its own way in here.
    ///
    /// - Parameter follow: Gets the process, the channel to it, and the signals that have arrived
    ///   since before it was there.
    package func makeInitProcess<Session: ~Copyable>(
        _ follow: (consuming ChildProcess, consuming Channel, consuming SignalQueue) -> Session
    ) throws(Failure) -> Session {
        let start = times == nil ? 0 : Clock.nanoseconds
        do throws(Failure) {
            let session = try spawn(follow)
            times?.record(plan.entry, start: start, end: Clock.nanoseconds)
            return session
        } catch {
            guard plan.steps.indices.contains(plan.entry) else { throw error }
            throw plan.failure(of: plan.steps[plan.entry], error)
        }
    }

    private func spawn<Session: ~Copyable>(
        _ follow: (consuming ChildProcess, consuming Channel, consuming SignalQueue) -> Session
    ) throws(Failure) -> Session {
        try attempt("poll", try Interruption.check())
        guard plan.steps.indices.contains(plan.entry), let entry = plan.steps[plan.entry].spawning,
            let signals = context.signals.take()
        else { throw Failure("the plan makes no process") }
        let pair = try attempt("socketpair", try Channel.Pair())
        if plan.entersLate || plan.hasInit {
            try attempt("setsockopt", try pair.near.askForSenders())
        }
        let near = pair.near.borrowed
        let far = pair.far.borrowed
        let start = times == nil ? 0 : Clock.nanoseconds
        let child = try entry.spawn(context, reporting: near, far: far) { [plan, times, context] in
            ProcessWords.erase()
            // The runtime's end, in this process's table of descriptors.
            _ = OwnedDescriptor(near)
            let own = ContainerContext(
                context.handover, channel: HeldChannel(Channel(OwnedDescriptor(far))))
            InitProcess(plan: plan, context: own, times: times).run()
        }
        times?.record(.clone, of: plan, start: start, end: Clock.nanoseconds)
        context.owesPoststop = true
        for pipe in context.handover.pipes { pipe.closeFarEnd() }
        context.handover.report = nil
        if plan.watchesMounts {
            do {
                try CurrentProcess.watchMounts(of: child)
            } catch {
                // Without a session to follow it, it would go on to the program.
                try? child.send(signal: Signal.kill)
                _ = try? child.wait()
                throw Failure("open", "of the container's mount namespace", error)
            }
        }
        return follow(child, pair.takeNear(), signals)
    }

    // MARK: Jobs

    /// Gives the init process, which waits for it, a job.
    ///
    /// - Parameter input: Takes the place of the input's file.
    package func give(_ job: PlannedJob, input: HeldDescriptor?) throws(Failure) {
        guard let file = context.handover.job else { throw Failure("the plan awaits no job") }
        self.job = job
        if let time = job.wallTime {
            limits.limits.wallTime = Setting(time, .argument("wallTime"))
        }
        if let bytes = job.output { limits.limits.output = Setting(bytes, .argument("output")) }
        try attempt("write", "of the job", try job.write(to: file.borrowed))
        guard let input, let pipe = pipes.first(where: { $0.stream == .input }) else { return }
        pipe.take(file: input)
    }

    /// Whether the init process itself does what is asked for: it executes nothing.
    package var executesNothing: Bool { job?.sent != nil }

    // MARK: Turns

    /// Takes the runtime's steps from `index` on, up to the next one of the container's.
    ///
    /// - Returns: Whether the container is recorded as created.
    package func takeTurn(
        _ index: Int, _ child: borrowing ChildProcess
    ) throws(Failure) -> Bool {
        // It may be attacked: no step is taken twice, or out of turn.
        let isTurn = index >= plan.steps.count || plan.steps[index].side == .runtime
        if index <= max(lastTurn, plan.entry) || !isTurn {
            throw Failure("the init process asked for a step out of turn")
        }
        lastTurn = index
        context.initProcess = MadeProcess(pid: child.pid, pidfd: child.borrowed)
        // Of a program that runs it is the program's signal.
        if index < plan.firstAfterStart { try attempt("poll", try Interruption.check()) }
        for (index, planned) in plan.steps.enumerated().dropFirst(index) {
            if planned.side != .runtime { break }
            try apply(index, planned)
        }
        return context.isRecorded
    }

    private func apply(_ index: Int, _ planned: PlannedStep) throws(Failure) {
        let start = times == nil ? 0 : Clock.nanoseconds
        do {
            try planned.apply(context)
        } catch {
            throw plan.failure(of: planned, error)
        }
        times?.record(index, start: start, end: Clock.nanoseconds)
    }

    /// The failure of a step of the init process.
    package func failure(ofStep index: Int, _ error: Failure) -> Failure {
        guard plan.steps.indices.contains(index) else { return error }
        let planned = plan.steps[index]
        if let job, let subject = job.subject(of: planned) {
            return subject.isEmpty ? error : error.within(subject)
        }
        return plan.failure(of: planned, error)
    }

    // MARK: What the steps have made

    /// The pipes in the place of standard streams.
    package var pipes: [StreamPipe] { context.handover.pipes }

    /// The caller's terminal, where the container's is shown on it.
    package var terminal: TerminalSettings? { context.terminal }

    /// Puts the settings of the caller's terminal back, where the program had it and may have changed them.
    package func restoreTerminal() {
        if plan.sharesTerminal { try? context.terminal?.restoreInForeground() }
    }

    /// Where the program says that it is ready; nil where no manager waits for that.
    package func takeReadiness() -> ReadinessSocket? { context.readiness.take() }

    /// Where connections of the container go; once.
    package func takeProxy() -> ProxyPlace? { context.proxy.take() }
    /// Where the init tells how the program has ended; nil where there is no init.
    package func takeReport() -> InitReport? { context.report.take() }

    /// The process that becomes criu has sent the way to it.
    ///
    /// - Parameters:
    ///   - images: The number of that directory in criu's table.
    ///   - work: The same of the directory of its log.
    package func keep(criu socket: consuming OwnedDescriptor, images: CInt, work: CInt) {
        guard let opened = context.images, context.criu == nil else { return }
        let log = CheckpointLog(
            directory: opened.work, path: opened.workPath, name: RestoreProcesses.log)
        context.criu = CRIUConversation(Channel(socket), log)
        context.criuDirectories = (images, work)
    }

    /// The process that criu has restored, which goes on in the place of criu; once.
    package func takeRestored() -> Int32? { context.restored.take() }

    /// Its terminal; once.
    package func takeRestoredTerminal() throws(Failure) -> OwnedDescriptor? {
        guard let held = context.restoredTerminal.take() else { return nil }
        return try attempt("fcntl", "of the terminal", try OwnedDescriptor.duplicate(held.borrowed))
    }

    /// The program's process beside the init.
    package var program: Int32? { context.program }

    /// Children of this process that are not the container's.
    package var helpers: [Int32] {
        [context.watchdog?.pid, context.networkHelper?.pid].compactMap(\.self)
    }

    /// The container's cgroup.
    package var controlGroup: ControlGroup? { context.handover.controlGroup }

    /// The room in the file system of a throw-away upper, where it was handed over.
    package var upperRoom: FileSystemRoom? {
        context.throwawayUpper.flatMap { try? FileSystemRoom($0.borrowed) }
    }

    /// Whether the program's filter may end it.
    package var filterMayKill: Bool { context.handover.seccompFilter?.mayKill ?? false }

    /// An upper, the layers below it, and where the container has its tree.
    package typealias Written = (path: String, upper: LayerDirectory, record: KeptUpper.Record)

    /// The container's uppers, where the plan compares them: that of the root first.
    package var written: [Written] {
        var written: [Written] = []
        if let record = plan.compared,
            let upper = context.throwawayUpper ?? context.keptUpper?.upper
        {
            written.append(("/", upper, record))
        }
        for tree in plan.comparedTrees {
            let kept = tree.directory.flatMap { context.keptUppers?[$0]?.upper }
            guard let upper = kept ?? context.throwawayTrees[tree.number] else { continue }
            written.append((tree.path, upper, tree.record))
        }
        return written
    }

    /// The init process has sent a throw-away upper.
    ///
    /// - Parameter tree: The number of its copy-on-write tree; nil for the root's.
    package func keep(upper: consuming OwnedDescriptor, of tree: Int?) {
        context.keep(LayerDirectory(upper, layer: 0), of: tree)
    }

    /// The init process has made the program's process.
    package func keep(program: Int32) { context.program = program }

    /// The init process has installed a seccomp filter with notifications.
    package func keep(listener: consuming OwnedDescriptor) {
        let held = HeldDescriptor(listener)
        guard let notices = context.notices else {
            context.listener = held
            return
        }
        notices.take(held)
    }

    /// Answers the filter's notifications; nil where the caller asks for none.
    package var notices: CallNotices? { context.notices }

    // MARK: The end

    /// Has frozen processes of the container go on, so that they can die.
    package func thaw() { try? context.handover.controlGroup?.thaw() }

    /// The init process has ended, and was waited for: the watchdog forgets it.
    package func relieveWatchdog() {
        if let times {
            let end = Clock.nanoseconds
            times.record(.end, of: plan, start: end, end: end)
        }
        (context.watchdog ?? context.prepared?.watchdog)?.relieve()
    }

    /// Takes the steps that follow when the container has ended. One that fails keeps none of the
    /// others from being taken.
    ///
    /// Every wait in it has a deadline, but that for a hook without one, which hears signals.
    package func end() throws(Failure) {
        try Interruption.deferring { () throws(Failure) in
            var failure: Failure?
            for (index, planned) in plan.ending.enumerated() {
                let start = times == nil ? 0 : Clock.nanoseconds
                do throws(Failure) {
                    try planned.apply(context)
                } catch {
                    if failure == nil && error.kind != .warning {
                        failure = error
                    } else {
                        warn(error.message)
                    }
                }
                times?.record(plan.steps.count + index, start: start, end: Clock.nanoseconds)
            }
            if let failure { throw failure }
        }
    }

    /// Takes every step of a plan that makes no process.
    package func takeAll() throws(Failure) {
        do throws(Failure) {
            try prepare()
        } catch {
            let failure = error
            guard context.endsContainer else { throw failure }
            do throws(Failure) {
                try end()
            } catch {
                throw Failure("\(failure.message); \(error.message)")
            }
            throw failure
        }
    }
}

extension Plan {
    /// Whether the init process is the first one of a pid namespace: the others die with it.
    package var ownsProcesses: Bool { namespaces.contains(.pid) }
}
