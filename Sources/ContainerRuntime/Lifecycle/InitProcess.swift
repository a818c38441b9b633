internal import LinuxSystem
internal import SystemPackage

/// The first process of the container, or the one that `exec` makes: walks its part of the plan
/// and becomes the program.
package struct InitProcess {
    let plan: Plan
    let context: ContainerContext
    let times: SharedTimes?

    /// The exit code of an init process that has failed. The runtime process is told of the failure
    /// itself, and does not hand this code on.
    package static let failureCode: CInt = 125

    /// Never returns: it becomes the program, or reports what failed and ends.
    func run() -> Never {
        var isRuntimesTurn = false
        for (index, planned) in plan.steps.enumerated().dropFirst(plan.entry + 1) {
            if planned.side == .runtime {
                // One turn for all that stand side by side.
                if !isRuntimesTurn { awaitRuntime(index) }
                isRuntimesTurn = true
                continue
            }
            isRuntimesTurn = false
            let start = times == nil ? 0 : Clock.nanoseconds
            // The last step does not come back: what is known of it is when it began.
            times?.record(index, start: start, end: start)
            do {
                try planned.apply(context)
            } catch {
                report(index, error)
            }
            times?.record(index, start: start, end: Clock.nanoseconds)
        }
        report(plan.steps.count - 1, Failure("the plan ends without a program"))
    }

    /// By write(2) and read(2), here and below: a filter may be installed by now, and one that
    /// leaves these out lets no program run.
    private func awaitRuntime(_ index: Int) {
        do {
            let held = try context.channel.given(.channel)
            try attempt(
                "write", "to the runtime process",
                try held.channel.borrowed.write(all: InitMessage.turn(step: index).encoded))
            let answer = try attempt(
                "recvmsg", "from the runtime process",
                try held.channel.borrowed.receiveBytes(Channel.capacity))
            // Without an answer no process knows of this container: it must not live.
            if answer == nil { CurrentProcess.exit(InitProcess.failureCode) }
        } catch {
            report(index, error)
        }
    }

    private func report(_ index: Int, _ error: Failure) -> Never {
        let message = InitMessage.failed(step: index, error)
        // Nobody is left to tell when this fails: the runtime sees the end without a word.
        try? context.reports?.write(all: message.encoded)
        CurrentProcess.exit(InitProcess.failureCode)
    }
}
