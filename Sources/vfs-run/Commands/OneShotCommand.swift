internal import ContainerRuntime
internal import Layers

extension Option {
    static let upper = Option(
        long: "upper", value: "DIR", help: "keep the writable layer in DIR, for the next run too",
        completes: .directories)
    static let layer = Option(
        long: "layer", value: "DIR", help: "one more layer on top of the others; may be repeated",
        completes: .directories)
    static let compare = Option(
        long: "diff", value: nil,
        help: "print what was changed when the container has ended, as the diff command")
    static let json = Option(long: "json", value: nil, help: "print JSON")
}

extension Command {
    /// `vfs-run config.json`
    static let oneShot = Command(
        name: "", summary: "run a container from a config.json, throw-away by default",
        operands: "CONFIG.json [[--] ARGS…]",
        details: [
            "Options stand before CONFIG.json. What follows it belongs to the program, with or"
                + " without --.",
            "Runs the program of CONFIG.json, or ARGS instead of it, in a container whose root is"
                + " an overlay: what it writes is thrown away when it ends, unless --upper keeps"
                + " it.",
            "Without a terminal, standard input, output and error pass through. The exit"
                + " code is the program's, 128 + N when signal N ended it, 127 when it was not"
                + " found, 126 when it could not be executed, and 125 for an error of vfs-run.",
            "With --stop-at the start waits before a step, on the terminal, and says the pid and the"
                + " namespaces of the init process, so that one can look at what is there already:"
                + " with nsenter(1), or in /proc/PID. STEP is its number in \"vfs-run plan\", words"
                + " that are in its line alone, or \"all\".",
        ],
        options: [
            .upper, .layer, .snapshot, .compare,
            Option(
                long: "trace", value: "FILE",
                help: "write the time of every step as Chrome trace JSON", completes: .files),
            Option(
                long: "stop-at", value: "STEP",
                help: "wait at the terminal before STEP; may be repeated"),
        ],
        endsWithOtherCommand: true,
        failureCode: RuntimeError.failure,
        run: { arguments throws(CommandError) in
            var plan = try LoadedConfig(arguments).plan
            let warn = arguments.globals.log.warning
            let stops = arguments.values("stop-at")
            if !stops.isEmpty {
                do throws(Plan.UnknownStep) {
                    plan = try plan.stopping(at: stops)
                } catch {
                    throw CommandError("--stop-at: \(error.sentence)")
                }
            }
            do throws(RuntimeError) {
                guard let file = arguments.value("trace") else {
                    return try run(Launch(plan, warn: warn))
                }
                let trace = try Trace(plan)
                // Written before the run, so that a name that cannot be written ends here, and
                // after it, also when a start has failed: then it is wanted most.
                try trace.write(to: file)
                let outcome = Result { () throws(RuntimeError) in
                    try run(Launch(plan, trace: trace, warn: warn))
                }
                try trace.write(to: file)
                return try outcome.get()
            } catch {
                throw CommandError(error, exitCode: error.exitCode)
            }
        })

    private static func run(_ launch: Launch) throws(RuntimeError) -> CInt {
        try launch.run { upper, record throws(RuntimeError) in
            do throws(LayerError) {
                var stack = try LayerStack(
                    uppers: [upper], over: record.layers, marks: record.marks)
                // What the container alone may read is read as its root.
                let isOwner = (try? MappedOwners.become(record.owners)) ?? false
                stack.owners = isOwner ? nil : record.owners
                var printer = ChangePrinter(.lines, printsUnchanged: false)
                try printer.print(Comparison(stack))
            } catch {
                throw RuntimeError("--diff: \(error.sentence)")
            }
        }
    }

    static func unknown(_ name: String) -> Command {
        Command(
            name: name, summary: "", operands: "", details: [], options: [],
            failureCode: isRefused(name) ? 1 : RuntimeError.failure,
            run: { _ throws(CommandError) in throw CommandError(unknownSentence(name)) })
    }
}
