internal import Cgroups
public import ContainerRuntime
public import LinuxSystem
public import SystemPackage

/// Carries out a plan and stays with the container as long as it is asked to.
///
/// `run` says how it came out; `finish` then takes away what the plan has made. In between what the
/// container has written is there to be read.
public final class Supervisor {
    /// What becomes of a signal that the runtime process gets while the program runs.
    public enum SignalUse: Sendable {
        /// The first process of the container gets it.
        case passesOn
        /// The container is killed, and the outcome names the signal.
        case kills
        /// The container is killed, and `run` throws that it was interrupted.
        case abandons
    }

    /// What a start goes through that `--debug` tells of.
    public enum Moment {
        /// The init process is made next, on these CPUs where they were named.
        case makesProcess(cpus: [UInt64]?)
        case madeProcess
        /// The filter's `SECCOMP_FILTER_FLAG_*`.
        case hasFilter(flags: UInt32)
        /// The init process executes the program next, or waits for its start.
        case executes
    }

    /// What a run is held to.
    public struct Limits {
        /// When the container is killed, on `Clock`; nil is never.
        public var deadline: UInt64?
        /// When a container whose program has not started is killed.
        public var startDeadline: UInt64?
        public var observer: UsageObserver?
        /// Whether the outcome says what the control group has used: reading it takes some files of
        /// the kernel.
        public var measures = false
        /// Whether `run` returns when the program has ended and nothing of the container is left but
        /// its init, whose end `finish` waits for.
        public var answersEarly = false
        /// Is told of each system call that the filter notifies of, before it is answered.
        public var onCall: (CallNotice) -> Void = { _ in }
        /// Is told of each moment; nil where nobody asks.
        public var onMoment: ((Moment) -> Void)?
        /// What a signal does that asks the runtime process to end.
        public var onSignal = SignalUse.passesOn

        /// Where the plan is that of many jobs: gives the job when the init process waits for one, and
        /// waits itself until there is one. It gets a descriptor of the init process, which becomes
        /// readable when that one ends.
        public var nextJob: ((FileDescriptor) throws(Failure) -> GivenJob)?

        public init() {}
    }

    /// One of many jobs of a plan.
    public struct GivenJob {
        public var job: PlannedJob
        /// Takes the place of the input's file.
        public var input: HeldDescriptor?

        public init(_ job: PlannedJob, input: HeldDescriptor?) {
            (self.job, self.input) = (job, input)
        }
    }

    private let walk: PlanWalk
    private let until: Milestone
    private let limits: Limits
    private let warnings: Warnings
    /// Whether the container goes on without the runtime process.
    private var isLeft = false
    /// The init, where `run` has not waited for its end.
    private var lingering: ChildProcess?

    /// - Parameters:
    ///   - until: How far the runtime process stays with the container.
    ///   - trace: Receives the times of the steps.
    ///   - prepared: What the starts of the plan have in common.
    ///   - streams: Files in the place of standard streams; the program gets pipes.
    ///   - warn: Receives each warning when it arises.
    public init(
        _ plan: Plan, until: Milestone = .ended, limits: Limits = Limits(), trace: Trace? = nil,
        prepared: PreparedStart? = nil, streams: [StandardStream: HeldDescriptor] = [:],
        warn: @escaping (String) -> Void
    ) {
        let warnings = Warnings(warn)
        self.warnings = warnings
        self.until = until
        self.limits = limits
        walk = PlanWalk(
            plan, trace: trace, prepared: prepared, streams: streams, warn: warnings.add)
    }

    /// Walks the plan, makes the init process, and returns when the container is as far as it is to
    /// be accompanied, or has ended.
    ///
    /// - Throws: What failed before the program ran; nothing is left of the container then.
    public func run() throws(Failure) -> Outcome {
        var timings = Outcome.Timings(begun: Clock.nanoseconds, ended: 0)
        Interruption.deadline = limits.deadline
        do {
            return try supervise(&timings)
        } catch {
            let hasSignal = Interruption.isSignaled
            if !hasSignal, let deadline = limits.deadline, Clock.nanoseconds >= deadline {
                timings.ended = Clock.nanoseconds
                return outcome(.timedOut, timings)
            }
            throw abandon(error)
        }
    }

    private func supervise(_ timings: inout Outcome.Timings) throws(Failure) -> Outcome {
        try walk.prepare()
        limits.onMoment?(.makesProcess(cpus: walk.initialAffinity))
        var session = try walk.makeInitProcess { child, channel, signals in
            Session(child, channel, signals, walk, until: until, limits)
        }
        limits.onMoment?(.madeProcess)
        if let flags = walk.filterFlags { limits.onMoment?(.hasFilter(flags: flags)) }
        let ended = session.run()
        walk.restoreTerminal()
        timings.made = session.begunAt
        if let job = session.jobAt {
            timings.begun = job
        }
        timings.started = session.startedAt
        timings.ended = session.endedAt ?? Clock.nanoseconds
        let ending = try ending(ended)
        if let problem = session.readinessProblem { warnings.add(problem) }
        var outcome = outcome(ending, timings)
        outcome.usage.processes = session.usage
        outcome.proxy = session.proxyCounts
        if let counts = session.proxyCounts, counts.refused > 0, let problem = counts.problem {
            warnings.add(
                "the proxy's socket did not take \(counts.refused) of \(counts.connections)"
                    + " connections: \(problem.words)")
        }
        outcome.usage.sumOfProcesses = session.sumOfProcesses
        (outcome.usage.spentUser, outcome.usage.spentSystem) = session.spent
        outcome.usage.spentMemory = session.spentMemory
        outcome.usage.output = session.output.output
        outcome.usage.error = session.output.error
        if let disk = session.diskUsage {
            outcome.usage.diskBytes = disk.bytes
            outcome.usage.diskFiles = disk.files
        }
        outcome.program = session.ended
        outcome.warnings = warnings.told
        if session.isAlone { lingering = session.takeChild() }
        return outcome
    }

    private func outcome(_ ending: Outcome.Ending, _ timings: Outcome.Timings) -> Outcome {
        isLeft = ending == .left
        var outcome = Outcome(ending: ending, timings: timings)
        if ending != .left {
            outcome.uppers = walk.written.map {
                Outcome.Upper(path: $0.path, directory: $0.upper, over: $0.record)
            }
        }
        outcome.limits = held
        outcome.filterMayKill = walk.filterMayKill
        if limits.measures, let room = walk.upperRoom {
            outcome.usage.diskBytes = room.usedBytes
            outcome.usage.diskFiles = room.usedFiles
            outcome.usage.isDiskFull = room.isFull
        }
        if limits.measures, let group = walk.controlGroup {
            let account = group.account
            outcome.usage.account = account
            outcome.usage.controlGroup = account.usage
            outcome.outOfMemoryKills = account.usage.outOfMemoryKills
        } else if ending == .outOfMemory {
            outcome.outOfMemoryKills = walk.controlGroup?.outOfMemoryKills ?? 0
        }
        outcome.warnings = warnings.told
        return outcome
    }

    /// Removes what the plan has made, where the container has ended and is not kept.
    ///
    /// - Parameter outcome: Gets the warnings that arise.
    public func finish(_ outcome: inout Outcome) throws(Failure) {
        Interruption.deadline = nil
        defer { outcome.warnings = warnings.told }
        // Only now: with the locks go the leftovers of runs that died holding them.
        try awaitInit()
        if !isLeft && !walk.plan.isKept { try walk.end() }
    }

    /// Until the init has ended, where nothing else was left of the container.
    private func awaitInit() throws(Failure) {
        guard let child = lingering.take() else { return }
        let deadline = Clock.deadline(seconds: Session.patience)
        func wait() throws(Errno) -> Bool {
            let events = try Poll.wait(
                [(child.borrowed, .readable)], until: deadline, isInterruptible: false)
            if events[0].isEmpty { return false }
            _ = try child.wait()
            return true
        }
        if try !attempt("waitid", "of the init process", try wait()) { throw Session.remains }
        walk.relieveWatchdog()
    }

    /// Removes what the plan has made, after the outcome could not be read: in the place of `finish`.
    ///
    /// - Returns: The failure, or the signal behind it.
    public func abandon(_ failure: Failure) -> Failure {
        Interruption.deadline = nil
        // Taken by now: the next one may end a hook that does not end.
        let signal = Interruption.take()
        do throws(Failure) {
            try awaitInit()
            try walk.end()
        } catch {
            warnings.add(error.message)
        }
        return signal.map(Failure.ended) ?? failure
    }

    /// Carries out a plan that makes no process: of `start`, of `delete`.
    ///
    /// - Parameter warn: Receives each warning when it arises.
    public static func carryOut(
        _ plan: Plan, warn: @escaping (String) -> Void
    ) throws(Failure) {
        let walk = PlanWalk(plan, warn: warn) { awaited in
            let proxy = ReadinessProxy(awaited.socket)
            proxy.follow(awaited.pidfd, mainPID: awaited.pid)
            if let problem = proxy.problem { warn(problem) }
        }
        try walk.takeAll()
    }

    // MARK: Endings

    private func ending(_ ended: Session.Ending) throws(Failure) -> Outcome.Ending {
        switch ended {
        case .left: return .left
        case .timedOut: return .timedOut
        case .exceeded(.memory): return .outOfMemory
        case .exceeded(let name): return .exceeded(name)
        case .stopped: return .stopped
        case .failed(let step, var error):
            let shortage = shortage(error.message)
            error.subject += shortage
            if !shortage.isEmpty { error.kind = .outOfMemory }
            throw walk.failure(ofStep: step, error)
        case .refused(let error): throw error
        case .lost(let error): throw error
        case .interrupted(let signal): throw Failure.ended(by: signal)
        case .exited where until == .created, .signaled where until == .created:
            throw Failure("the init process ended before it could wait for its start")
        case .exited(let code): return .exited(code)
        case .signaled(Signal.processorTime) where walk.limits.holders[.cpuTime] == .proc:
            return .exceeded(.cpuTime)
        case .signaled(let signal):
            guard signal == Signal.kill && wasOutOfMemory else { return .signaled(signal) }
            // The verdict says it where the run has a limit of its own.
            if walk.limits.limits.memory != nil { return .outOfMemory }
            warnings.add("the kernel killed the program: \(ControlGroup.outOfMemory)")
            return .outOfMemory
        case .endedEarly(.signaled(Signal.kill)) where wasOutOfMemory:
            let words = "the kernel killed the init process before the program started: "
            if walk.controlGroup?.hasReachedMemoryLimit == true {
                throw Failure(words + ControlGroup.outOfMemory, .outOfMemory)
            }
            // Not the run's doing: it is judged by its own limit.
            throw Failure(
                words + "a control group above the run's, or the host, has no memory left; the"
                    + " limit of the run itself was not reached")
        case .endedEarly(let ended): throw Failure(Supervisor.sentence(ended))
        }
    }

    /// What holds the limits of the run, the kernel's versions of cgroups included.
    private var held: Outcome.Limits {
        let plan = walk.limits
        var held = Outcome.Limits()
        held.limits = plan.limits
        held.holders = plan.holders
        let group = walk.controlGroup
        held.memory = plan.groupMemory
        held.processes = plan.groupProcesses
        var ofGroup = plan.ofGroup
        if held.memory != nil { ofGroup.insert(.memory) }
        if held.processes != nil { ofGroup.insert(.processes) }
        for (name, controller) in [
            (RunLimits.Name.memory, "memory"), (.processes, "pids"), (.cpuTime, "cpuacct"),
        ] where ofGroup.contains(name) {
            held.holders[name] = group?.version(of: controller) == 1 ? .cgroup1 : .cgroup2
        }
        return held
    }

    private var wasOutOfMemory: Bool { (walk.controlGroup?.outOfMemoryKills ?? 0) > 0 }

    /// Calls that get no memory say so in many ways.
    private func shortage(_ message: String) -> String {
        let words = [Errno.noMemory, .noSpace, .argListTooLong].map(\.words)
        guard walk.controlGroup?.hasReachedMemoryLimit == true,
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

/// Warnings, told and kept.
private final class Warnings {
    private let tell: (String) -> Void
    private(set) var told: [String] = []

    init(_ tell: @escaping (String) -> Void) { self.tell = tell }

    func add(_ warning: String) {
        told.append(warning)
        tell(warning)
    }
}
