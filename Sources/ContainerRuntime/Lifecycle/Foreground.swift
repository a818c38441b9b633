internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// Runs a container from here to its end: walks the runtime's half of the plan, makes the init
/// process, passes signals and the terminal's bytes on, and answers with the exit code.
public final class Foreground {
    private let plan: Plan
    private let times: SharedTimes?
    private let context = StartContext()
    /// What the watchdog removes; C holds on to it.
    private lazy var controlGroupPaths = CStringArray(
        context.controlGroup?.paths.map(\.path) ?? [])

    /// - Parameter trace: Where the times of the steps go, when they are wanted.
    public init(_ plan: Plan, trace: Trace? = nil) {
        self.plan = plan
        times = trace?.times
    }

    /// - Returns: The container's exit code, 128 + N when signal N ended it.
    /// - Throws: What failed before the program ran.
    public func run() throws(RuntimeError) -> CInt {
        defer { removeControlGroup() }
        for (index, planned) in plan.steps(of: .runtime)
        where !(planned.step is CreateNamespaces) {
            try apply(index, planned)
        }
        let start = Clock.nanoseconds
        let ending: ForegroundSession.Ending
        do {
            var session = try begin()
            if let index = plan.steps.firstIndex(where: { $0.step is CreateNamespaces }) {
                times?.record(index, start: start, end: Clock.nanoseconds)
            }
            ending = session.runToEnd()
        } catch {
            throw RuntimeError(sentence(error))
        }
        return try exitCode(ending)
    }

    /// Starts the watchdog, and makes the init process, which goes its own way in here.
    private func begin() throws(SystemCallError) -> ForegroundSession {
        let terminal = plan.hasTerminal ? try? TerminalSettings(of: .standardInput) : nil
        // Taken before the child is there, so that none is lost; the child resets them.
        let signals = try attempt("signalfd") { () throws(Errno) in
            try Signal.listenForChildren()
            return try SignalQueue.open(
                Signal.forwarded.filter { !Signal.isIgnored($0) } + [Signal.windowChange])
        }
        let lifeline = try attempt("pidfd_open") { () throws(Errno) in
            try CurrentProcess.open()
        }
        let pair = try attempt("socketpair") { () throws(Errno) in try Channel.Pair() }
        let watchdog = try attempt("clone", "of the watchdog") { () throws(Errno) in
            try CurrentProcess.startWatchdog(
                lifeline: lifeline.borrowed, terminal: terminal, removing: controlGroupPaths)
        }
        let controlGroup = context.controlGroup?.version2Descriptor
        context.startsInControlGroup = controlGroup != nil
        let near = pair.near.borrowed
        let far = pair.far.borrowed
        let child = try attempt("clone3", plan.namespaces.names.joined(separator: " ")) {
            () throws(Errno) in
            // In a pid namespace of its own nobody can reach the init process before it has become
            // the program. In one that is joined somebody could, and with it the memory of the
            // runtime process: there it gets a copy.
            try ChildProcess.spawn(
                plan.namespaces, sharingMemory: plan.namespaces.contains(.pid),
                controlGroup: controlGroup
            ) { [plan, times, context] in
                // The runtime's end, in this process's table of descriptors.
                _ = OwnedDescriptor(near)
                let own = context.forInitProcess()
                own.channel = HeldChannel(Channel(OwnedDescriptor(far)))
                InitProcess(plan: plan, context: own, times: times).run()
            }
        }
        return ForegroundSession(
            child: child, channel: pair.takeNear(), signals: signals, lifeline: lifeline,
            terminal: terminal, watchdog: watchdog,
            ownsProcessNamespace: plan.namespaces.contains(.pid))
    }

    /// Nothing is left of the container's cgroup, however the start went.
    private func removeControlGroup() {
        guard let group = context.controlGroup else { return }
        // In a pid namespace of its own every process has gone with the first.
        if !plan.namespaces.contains(.pid) { try? group.signalAll(Signal.kill) }
        // What the container was to do is done or has failed; its outcome is what the caller
        // wants to know.
        try? group.remove()
    }

    private func apply(_ index: Int, _ planned: PlannedStep) throws(RuntimeError) {
        let start = times == nil ? 0 : Clock.nanoseconds
        do {
            try planned.step.apply(context)
        } catch {
            throw RuntimeError(
                plan.sentence(planned, error), exitCode: error.exitCode ?? RuntimeError.failure)
        }
        times?.record(index, start: start, end: Clock.nanoseconds)
    }

    private func sentence(_ error: SystemCallError) -> String {
        guard error.call == "clone3" else { return error.description }
        return switch error.errno {
        case .notPermitted: "\(error); making namespaces takes CAP_SYS_ADMIN"
        case .noSpace: "\(error); a limit of /proc/sys/user/max_*_namespaces is reached"
        case .invalidArgument: "\(error); the kernel lacks one of these namespaces"
        default: error.description
        }
    }

    private func exitCode(_ ending: ForegroundSession.Ending) throws(RuntimeError) -> CInt {
        switch ending {
        case .failed(let step, let code, let message):
            let error = StepError(message, exitCode: code)
            let text =
                plan.steps.indices.contains(step)
                ? plan.sentence(plan.steps[step], error) : message
            throw RuntimeError(text, exitCode: code ?? RuntimeError.failure)
        case .lost(let error): throw RuntimeError(error.description)
        case .exited(let code): return code
        case .signaled(let signal): return 128 + signal
        case .diedEarly(let signal):
            throw RuntimeError(
                "the init process was killed by signal \(signal) before the program started")
        }
    }
}
