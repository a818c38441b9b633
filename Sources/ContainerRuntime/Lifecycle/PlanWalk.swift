package import Cgroups
package import Layers
package import LinuxSystem
internal import SystemPackage

/// Carries out a plan: the runtime process's half, the making of the init process, the turns that
/// the init process waits for, and what takes everything away again.
///
/// It waits for nothing but its own steps. Whoever supervises the container asks it for the next
/// part of the plan.
package final class PlanWalk {
    package let plan: Plan
    private let times: SharedTimes?
    private let warn: (String) -> Void
    private let context = RuntimeContext()
    private var watchdog: Watchdog?
    /// Whether the watchdog has been started.
    private var isWatched = false
    /// The caller's terminal, where the container's is shown on it.
    package let terminal: TerminalSettings?

    /// - Parameters:
    ///   - until: How far the runtime process goes with the container.
    ///   - trace: Receives the times of the steps.
    ///   - warn: Receives each deviation from the config, and each failure to remove something.
    package init(
        _ plan: Plan, until: Milestone, trace: Trace?, warn: @escaping (String) -> Void
    ) {
        self.plan = plan
        times = trace?.times
        self.warn = warn
        terminal = plan.hasTerminal && until == .ended ? TerminalSettings.ofCaller() : nil
        context.warn = warn
    }

    // MARK: The runtime process's half

    /// Takes the steps before the one that makes the init process.
    package func prepare() throws(RuntimeError) {
        // From here on a signal ends the start after what was made is removed: it is taken at the
        // next wait, before the init process is made, and before each turn.
        do throws(Errno) {
            try Interruption.listen()
        } catch {
            throw RuntimeError("signalfd: \(error.words)")
        }
        for (index, planned) in plan.steps.prefix(plan.entry).enumerated() {
            // From the first directory on nothing is left, whatever happens to this process.
            if planned.step is MakeControlGroup {
                do throws(StepError) {
                    try startWatchdog()
                } catch {
                    throw plan.failure(of: planned, error)
                }
            }
            try apply(index, planned)
        }
    }

    /// Where the container does not outlive this process.
    private func startWatchdog() throws(StepError) {
        if isWatched || !plan.isTied { return }
        isWatched = true
        watchdog = try Watchdog(terminal: terminal)
    }

    /// Makes the init process, which goes its own way in here.
    ///
    /// - Parameter follow: Gets the process, the channel to it, and the signals that have arrived
    ///   since before it was there.
    package func makeInitProcess<Session: ~Copyable>(
        _ follow: (consuming ChildProcess, consuming Channel, consuming SignalQueue) -> Session
    ) throws(RuntimeError) -> Session {
        let start = Clock.nanoseconds
        do throws(StepError) {
            let session = try spawn(follow)
            times?.record(plan.entry, start: start, end: Clock.nanoseconds)
            return session
        } catch {
            throw plan.failure(of: plan.steps[plan.entry], error)
        }
    }

    private func spawn<Session: ~Copyable>(
        _ follow: (consuming ChildProcess, consuming Channel, consuming SignalQueue) -> Session
    ) throws(StepError) -> Session {
        try stepping("poll") { () throws(Errno) in try Interruption.check() }
        // A serial line does not know its size: that of the config stays.
        if let size = try? terminal?.descriptor.terminalSize(), size.rows > 0 || size.columns > 0 {
            context.handover.callerSize = size
        }
        // Taken before the child is there, so that none is lost; the child resets them.
        let signals = try stepping("signalfd") { () throws(Errno) in
            try Signal.listenForChildren()
            let wanted =
                Signal.forwarded.filter { !Signal.isIgnored($0) } + Signal.passedOn
                + [Signal.windowChange]
            return try SignalQueue.open(plan.adoptsOrphans ? wanted + [Signal.childEnded] : wanted)
        }
        try startWatchdog()
        let pair = try stepping("socketpair") { () throws(Errno) in
            let pair = try Channel.Pair()
            if plan.entersLate { try pair.near.askForSenders() }
            return pair
        }
        if plan.adoptsOrphans {
            try stepping("prctl", "PR_SET_CHILD_SUBREAPER") { () throws(Errno) in
                try CurrentProcess.adoptOrphans()
            }
        }
        let near = pair.near.borrowed
        let far = pair.far.borrowed
        guard let entry = plan.steps[plan.entry].spawning else {
            throw StepError("the plan makes no process")
        }
        let child = try entry.spawn(context, reporting: near, far: far) { [plan, times, context] in
            ProcessWords.erase()
            // The runtime's end, in this process's table of descriptors.
            _ = OwnedDescriptor(near)
            let own = ContainerContext(
                context.handover, channel: HeldChannel(Channel(OwnedDescriptor(far))))
            InitProcess(plan: plan, context: own, times: times).run()
        }
        for pipe in context.handover.pipes { pipe.closeFarEnd() }
        // Where it is the container's own, and nothing else tells whose they are.
        if plan.isTied && plan.endsOrphans && plan.namespaces.contains(.mount) {
            try attempt(
                "open", "of the container's mount namespace",
                try CurrentProcess.watchMounts(of: child))
        }
        return follow(child, pair.takeNear(), signals)
    }

    // MARK: Turns

    /// Takes the runtime's steps from `index` on, up to the next one of the container's.
    ///
    /// - Returns: Whether the container is written down as created.
    package func takeTurn(
        _ index: Int, _ child: borrowing ChildProcess
    ) throws(RuntimeError) -> Bool {
        context.initProcess = MadeProcess(pid: child.pid, pidfd: child.borrowed)
        // The program runs: other commands, and the hooks, may have the container.
        if index >= plan.firstAfterStart { context.container?.unlock() }
        do throws(Errno) {
            // Of a program that runs it is the program's signal.
            if index < plan.firstAfterStart { try Interruption.check() }
        } catch {
            throw RuntimeError("poll: \(error.words)")
        }
        for (index, planned) in plan.steps.enumerated().dropFirst(index) {
            if planned.side != .runtime { break }
            try apply(index, planned)
        }
        return context.isRecorded
    }

    /// Takes what has time until the program runs.
    package func takeDeferred() {
        for act in context.afterStart { act() }
        context.afterStart = []
    }

    private func apply(_ index: Int, _ planned: PlannedStep) throws(RuntimeError) {
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
        plan.steps.indices.contains(index) ? plan.failure(of: plan.steps[index], error) : error
    }

    // MARK: What the steps have made

    /// The pipes in the place of standard streams.
    package var pipes: [StreamPipe] { context.handover.pipes }

    /// Where the program says that it is ready; nil where no manager waits for that.
    package func takeReadiness() -> ReadinessSocket? { context.readiness.take() }

    /// The container's cgroup.
    package var controlGroup: ControlGroup? { context.handover.controlGroup }

    /// The container's upper and the layers below it, where the plan compares them.
    package var written: (upper: LayerDirectory, over: KeptUpper.Record)? {
        guard let record = plan.compared,
            let upper = context.throwawayUpper ?? context.keptUpper?.upper
        else { return nil }
        return (upper, record)
    }

    /// The init process has sent its throw-away upper.
    package func keep(upper: consuming OwnedDescriptor) {
        context.throwawayUpper = LayerDirectory(upper, layer: 0)
    }

    /// The init process has installed a seccomp filter with notifications.
    package func keep(listener: consuming OwnedDescriptor) {
        context.listener = HeldDescriptor(listener)
    }

    // MARK: The end

    /// Has frozen processes of the container go on, so that they can die.
    package func thaw() { try? context.handover.controlGroup?.thaw() }

    /// Has the watchdog end; nothing is left to kill.
    package func endWatchdog() { watchdog?.end() }

    /// Takes away what the steps have left on the host: nothing, where nothing was left.
    ///
    /// Every wait in it has a deadline, but that for a hook without one, which hears signals.
    package func undo() throws(RuntimeError) {
        try Interruption.deferring { () throws(RuntimeError) in
            endOrphans()
            var failure: RuntimeError?
            for made in context.undoing.reversed() {
                do throws(RuntimeError) {
                    try made.undo()
                } catch {
                    // The rest is taken away all the same.
                    if failure == nil && error.kind != .warning {
                        failure = error
                    } else {
                        warn(error.message)
                    }
                }
            }
            context.undoing = []
            watchdog?.collect()
            if let failure { throw failure }
        }
    }

    /// Without a pid namespace of its own what the container's first process leaves behind goes on.
    ///
    /// What hooks have left running on the host is none of it.
    private func endOrphans() {
        guard plan.endsOrphans else { return }
        watchdog?.collect()
        let left = CurrentProcess.endChildrenElsewhere(until: Clock.nanoseconds + 10_000_000_000)
        if left.isEmpty { return }
        warn(
            "processes of the container are left that cannot be killed: "
                + left.map(String.init).joined(separator: ", "))
    }
}

extension Plan {
    /// Whether the init process is the first one of a pid namespace: the others die with it.
    package var ownsProcesses: Bool { namespaces.contains(.pid) }

    /// Whether steps are taken when the program runs.
    package var actsOnStart: Bool { firstAfterStart < steps.count }
}
