internal import ContainerRuntime
internal import LinuxSystem
internal import Supervision

extension Command {
    /// Carries out a plan.
    ///
    /// - Parameters:
    ///   - reporter: Is told how it came out.
    ///   - debug: Is told of the moments of the start.
    ///   - warn: Receives each warning when it arises.
    ///   - read: Reads the outcome while what the container has written is there.
    /// - Returns: What this process exits with.
    static func supervise(
        _ plan: Plan, until: Milestone, trace: Trace? = nil, reporter: RunReporter? = nil,
        calls: CallReporter? = nil, debug: DebugLines? = nil,
        warn: @escaping (String) -> Void,
        reading read: (Outcome) throws(Failure) -> Void = { _ in }
    ) throws(Failure) -> CInt {
        var limits = Supervisor.Limits()
        limits.measures = reporter?.measures ?? false
        if let calls { limits.onCall = calls.take }
        limits.onMoment = debug?.tell
        let supervisor = Supervisor(plan, until: until, limits: limits, trace: trace, warn: warn)
        let result = Result { () throws(Failure) in
            var outcome = try supervisor.run()
            do throws(Failure) {
                try read(outcome)
            } catch {
                throw supervisor.abandon(error)
            }
            try supervisor.finish(&outcome)
            return outcome
        }
        try reporter?.tell(result)
        try calls?.finish(try result.get().ending)
        return try result.get().ending.exitCode
    }
}

extension Outcome.Ending {
    /// As shells have it: the program's code, and 128 + N where signal N ended it. As timeout(1) has
    /// it: 124 where the time was over. 137 for memory, output and disk.
    var exitCode: CInt {
        switch self {
        case .left: 0
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        case .timedOut, .exceeded(.wallTime), .exceeded(.cpuTime): 124
        case .outOfMemory, .stopped, .exceeded: 128 + Signal.kill
        }
    }
}
