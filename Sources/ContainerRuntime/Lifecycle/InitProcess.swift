internal import LinuxSystem
internal import SystemPackage

/// The first process of the container: walks its half of the plan and becomes the program.
struct InitProcess {
    let plan: Plan
    let context: StartContext
    let times: SharedTimes?

    /// Never returns: it becomes the program, or reports what failed and ends.
    func run() -> Never {
        SignalQueue.resetAll()
        // Devices and directories get the modes that they are made with.
        Credentials.setFileModeMask(0)
        for (index, planned) in plan.steps(of: .container) {
            let start = times == nil ? 0 : Clock.nanoseconds
            // The last step does not come back: what is known of it is when it began.
            times?.record(index, start: start, end: start)
            do {
                try planned.step.apply(context)
            } catch {
                report(index, error)
            }
            times?.record(index, start: start, end: Clock.nanoseconds)
        }
        report(plan.steps.count - 1, StepError("the plan ends without a program"))
    }

    private func report(_ index: Int, _ error: StepError) -> Never {
        let message = InitMessage.failed(
            step: index, exitCode: error.exitCode, message: error.message)
        // Nobody is left to tell when this fails: the runtime sees the end without a word.
        try? context.channel?.channel.send(message.encoded)
        CurrentProcess.exit(125)
    }
}
