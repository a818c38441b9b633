internal import Cgroups
public import Layers
public import LinuxSystem
internal import SystemPackage

/// How far the runtime process goes with a container.
public enum Accompaniment: Sendable, Hashable {
    /// Until it waits for its start: `create`.
    case created
    /// Until its program runs: `run --detach`, `exec --detach`.
    case started
    /// To its end. Signals and the terminal's bytes are passed on.
    case ended
}

/// Carries out a plan: walks the runtime's half, makes the init process, takes the turns that come
/// afterwards, and stays as long as it is asked to.
public final class Launch {
    private let plan: Plan
    private let times: SharedTimes?
    private let until: Accompaniment
    private let warn: (String) -> Void
    let context = RuntimeContext()
    /// Until the session has it.
    private var watchdog: Int32?
    /// Whether the watchdog has been started.
    private var isWatched = false
    /// The step that the init process has asked for last.
    private lazy var lastTurn = plan.entry
    private lazy var terminal =
        plan.hasTerminal && until == .ended ? TerminalSettings.ofCaller() : nil

    /// - Parameters:
    ///   - trace: Where the times of the steps go, when they are wanted.
    ///   - warn: Where what went wrong at the end goes.
    public init(
        _ plan: Plan, until: Accompaniment = .ended, trace: Trace? = nil,
        warn: @escaping (String) -> Void = { _ in }
    ) {
        self.warn = warn
        self.plan = plan
        self.until = until
        times = trace?.times
        context.warn = warn
    }

    /// What the container wrote, over what: there once it has run, and where that is wanted.
    private var written: (upper: LayerDirectory, over: KeptUpper.Record)? {
        guard let record = plan.compared,
            let upper = context.throwawayUpper ?? context.keptUpper?.upper
        else { return nil }
        return (upper, record)
    }

    /// - Parameter report: Tells what was written, once the container has ended, where that is wanted;
    ///   afterwards it may be gone.
    /// - Returns: The program's exit code, 128 + N when signal N ended it; 0 when it is left running.
    /// - Throws: What failed before the program ran; nothing is left of the container then.
    public func run(
        _ report: (LayerDirectory, KeptUpper.Record) throws(RuntimeError) -> Void = { _, _ in }
    ) throws(RuntimeError) -> CInt {
        defer { collectWatchdog() }
        do {
            try listen()
            let ending = try launch()
            let code = try exitCode(ending)
            if let (upper, record) = written { try report(upper, record) }
            if let problem = context.readiness?.problem { warn(problem) }
            // Only now: with the locks go the leftovers of whoever died holding them.
            if until == .ended && !plan.isKept { try finish() }
            return code
        } catch {
            let failure = error
            // Taken by now: the next one may end a hook that does not end.
            let signal = Interruption.take()
            if let watchdog = watchdog.take(), (try? CurrentProcess.endWatchdog(watchdog)) != nil {
                context.endedWatchdog = watchdog
            }
            do throws(RuntimeError) { try finish() } catch { warn(error.message) }
            throw signal.map(RuntimeError.ended) ?? failure
        }
    }

    /// From here on a signal ends the start after what was made is removed: it is taken at the next
    /// wait, before the init process is made, and before each of the runtime's turns.
    private func listen() throws(RuntimeError) {
        do throws(Errno) {
            try Interruption.listen()
        } catch {
            throw RuntimeError("signalfd: \(error.words)")
        }
    }

    /// Without a pid namespace of its own what the container's first process leaves behind goes on.
    ///
    /// What hooks have left running on the host is none of it.
    private func endOrphans() {
        guard plan.endsOrphans else { return }
        collectWatchdog()
        let left = CurrentProcess.endChildrenElsewhere(until: Clock.nanoseconds + 10_000_000_000)
        if left.isEmpty { return }
        warn(
            "processes of the container are left that cannot be killed: "
                + left.map(String.init).joined(separator: ", "))
    }

    private func collectWatchdog() {
        guard let watchdog = context.endedWatchdog.take() else { return }
        try? CurrentProcess.collectWatchdog(watchdog)
    }

    private func launch() throws(RuntimeError) -> LaunchSession.Ending {
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
        let start = Clock.nanoseconds
        do {
            var session = try begin()
            times?.record(plan.entry, start: start, end: Clock.nanoseconds)
            return session.run { [self] (index, child) throws(RuntimeError) in
                try takeTurn(index, child)
            }
        } catch {
            throw plan.failure(of: plan.steps[plan.entry], error)
        }
    }

    /// Where the container does not outlive this process.
    private func startWatchdog() throws(StepError) {
        if isWatched || !plan.isTied { return }
        // Never closed: the watchdog looks its number up again whenever it is stopped and goes on,
        // and what else had the number by then would be waited for in its place.
        let lifeline = try stepping("pidfd_open") { () throws(Errno) in
            try CurrentProcess.open().release()
        }
        isWatched = true
        watchdog = try stepping("clone", "of the watchdog") { () throws(Errno) in
            try CurrentProcess.startWatchdog(lifeline: lifeline, terminal: terminal)
        }
    }

    /// Makes the init process, which goes its own way in here.
    private func begin() throws(StepError) -> LaunchSession {
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
        for relay in context.handover.relays { relay.closeFarEnd() }
        // Where it is the container's own, and nothing else tells whose they are.
        if plan.isTied && plan.endsOrphans && plan.namespaces.contains(.mount) {
            CurrentProcess.watchMounts(of: child)
        }
        return LaunchSession(
            child: child, channel: pair.takeNear(), signals: signals,
            terminal: terminal, watchdog: watchdog.take(), until: until,
            consoleSocket: plan.consoleSocket, context: context,
            ownsProcessNamespace: plan.namespaces.contains(.pid),
            firstAfterStart: plan.firstAfterStart,
            looksAtStart: until == .started || plan.firstAfterStart < plan.steps.count)
    }

    /// The runtime's steps from `index` on, up to the next one of the container's.
    private func takeTurn(
        _ index: Int, _ child: borrowing ChildProcess
    ) throws(RuntimeError) -> Bool {
        // It may be attacked: no step is taken twice, or out of turn.
        if index <= lastTurn || (index < plan.steps.count && plan.steps[index].side != .runtime) {
            throw RuntimeError("the init process asked for a step out of turn")
        }
        lastTurn = index
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

    private func apply(_ index: Int, _ planned: PlannedStep) throws(RuntimeError) {
        let start = times == nil ? 0 : Clock.nanoseconds
        do {
            try planned.apply(context)
        } catch {
            throw plan.failure(of: planned, error)
        }
        times?.record(index, start: start, end: Clock.nanoseconds)
    }

    /// Takes away what the steps have left on the host: nothing, where nothing was left.
    private func finish() throws(RuntimeError) {
        // Every wait in it has a deadline, but that for a hook without one, which hears signals.
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
            if let failure { throw failure }
        }
    }

    private func exitCode(_ ending: LaunchSession.Ending) throws(RuntimeError) -> CInt {
        switch ending {
        case .left: return 0
        case .failed(let step, var error):
            error.subject += shortage(error.message)
            throw plan.steps.indices.contains(step)
                ? plan.failure(of: plan.steps[step], error) : error
        case .refused(let error): throw error
        case .lost(let error): throw error
        case .interrupted(let signal): throw RuntimeError.ended(by: signal)
        case .exited where until == .created, .signaled where until == .created:
            throw RuntimeError("the init process ended before it could wait for its start")
        case .exited(let code): return code
        case .signaled(let signal):
            if signal == Signal.kill && wasOutOfMemory {
                warn("the kernel killed the program: \(ControlGroup.outOfMemory)")
            }
            return 128 + signal
        case .endedEarly(.signaled(Signal.kill)) where wasOutOfMemory:
            throw RuntimeError(
                "the kernel killed the init process before the program started:"
                    + " \(ControlGroup.outOfMemory)")
        case .endedEarly(let ended): throw RuntimeError(Launch.sentence(ended))
        }
    }

    private var wasOutOfMemory: Bool { (context.handover.controlGroup?.outOfMemoryKills ?? 0) > 0 }

    /// Calls that get no memory say so in many ways.
    private func shortage(_ message: String) -> String {
        let words = [Errno.noMemory, .noSpace, .argListTooLong].map(\.words)
        guard context.handover.controlGroup?.hasReachedMemoryLimit == true,
            words.contains(where: { message.has($0) })
        else { return "" }
        return "; \(ControlGroup.outOfMemory)"
    }

    /// Why there was no program.
    private static func sentence(_ ended: ChildProcess.Ending) -> String {
        switch ended {
        case .exited(let code):
            "the init process ended with code \(code) before the program started, and could not say"
                + " why; a seccomp profile that forbids write keeps it from that"
        case .signaled(Signal.badSystemCall):
            "the init process was killed by signal \(Signal.badSystemCall) before the program"
                + " started: the seccomp profile kills for a system call that executing a program"
                + " takes; allow execve, and what \"vfs-run plan\" shows behind the filter"
        case .signaled(Signal.kill):
            "the init process was killed by signal \(Signal.kill) before the program started: by"
                + " a process of the host, or by the kernel when the host had no memory left, which the"
                + " kernel's log (dmesg) says"
        case .signaled(let signal):
            "the init process was killed by signal \(signal) before the program started"
        }
    }
}
