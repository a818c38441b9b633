internal import ContainerRuntime
internal import LinuxSystem
internal import Supervision

extension Command {
    /// Carries out a plan.
    ///
    /// - Parameters:
    ///   - warn: Receives each warning when it arises.
    ///   - read: Reads the outcome while what the container has written is there.
    /// - Returns: What this process exits with.
    static func supervise(
        _ plan: Plan, until: Milestone, trace: Trace? = nil, warn: @escaping (String) -> Void,
        reading read: (Outcome) throws(Failure) -> Void = { _ in }
    ) throws(Failure) -> CInt {
        let supervisor = Supervisor(plan, until: until, trace: trace, warn: warn)
        let outcome = try supervisor.run()
        do throws(Failure) {
            try read(outcome)
            try supervisor.finish()
        } catch {
            throw supervisor.abandon(error)
        }
        return outcome.ending.exitCode
    }
}

extension Outcome.Ending {
    /// As shells have it: the program's code, and 128 + N where signal N ended it. As timeout(1) has
    /// it: 124 where the time was over.
    var exitCode: CInt {
        switch self {
        case .left: 0
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        case .outOfMemory, .stopped: 128 + Signal.kill
        case .timedOut: 124
        }
    }
}
