internal import ContainerRuntime
internal import Layers
internal import LinuxSystem
internal import Supervision

extension Option {
    static let trace = Option(
        "trace", value: "FILE", completes: .files,
        "write the duration of each step: a page (FILE.html), Chrome trace JSON, or a table (-)")
    static let stopAt = Option(
        "stop-at", value: "STEP", "wait at the terminal before STEP; may be repeated")
}

extension Command {
    /// `vfs-run config.json`
    static let oneShot = Command(
        name: "", summary: "run a throw-away container from a config.json",
        operands: "CONFIG.json [[--] ARGS…]",
        details: [
            "Options precede CONFIG.json. The words after it are for the program, with or without"
                + " --.",
            "Runs the program of CONFIG.json, or ARGS in its place, in a container with an overlay as"
                + " its root file system. Changes are discarded at the end, unless --upper keeps"
                + " them.",
            "Without a terminal, the program inherits standard input, output and error. The exit code"
                + " is that of the program, 128 + N if signal N ended it, 127 if it was not found, 126"
                + " if it could not be executed, and 125 for an error of vfs-run. It is 124 where"
                + " the time of --timeout or --cpu-time was over, and 137 where the limit of memory,"
                + " output or disk ended the program.",
            "Options for limits take the place of the config's vfs.limits. A limit that cannot hold is"
                + " an error, unless --best-effort is given. --report writes a JSON object that tells"
                + " how the run ended and what it used; see docs/report.md.",
            "--trace - prints the times of the steps as a table on standard error. --trace FILE.html"
                + " writes a page that a browser shows without a network: both processes on a line of"
                + " time, and for each step its explanation, its line of the config and what it has"
                + " changed, which the runtime process reads in procfs before each step; then the"
                + " layers, and what was written. Any other FILE is JSON for Perfetto.",
            "--stop-at waits on the terminal before a step, and prints the pid and the namespaces of"
                + " the init process, for inspection in /proc/PID and /proc/PID/root. STEP is a"
                + " number from \"vfs-run plan\", text that matches exactly one line of the plan, or"
                + " \"all\".",
        ],
        options: [.upper, .layer, .snapshot, .compare, .trace, .stopAt, .quiet] + Option.limits
            + Option.streams + Option.collection + Option.seccompNotices,
        endsWithOtherCommand: true,
        failureCode: Failure.ofRuntime,
        run: { arguments throws(Failure) in
            let collection = try Collection(arguments)
            let diff = try ChangesFile(arguments)
            let reporter = try RunReporter(arguments)
            let warn = arguments.globals.log.warning
            return try reporter.reporting { () throws(Failure) in
                let plan = try LoadedConfig(arguments).plan.stopping(by: arguments)
                func read(_ outcome: Outcome, _ changes: ChangedUppers) throws(Failure) {
                    if arguments.has(.compare) { try diff.write(changes, of: plan) }
                    try collection?.take(outcome, from: plan.workingDirectory, warn: warn)
                }
                return try supervise(
                    plan, traced: arguments, reporter: reporter, warn: warn, reading: read)
            }
        })

    /// Carries out a plan to the end of the container, with the option `--trace`.
    static func supervise(
        _ plan: Plan, traced arguments: ParsedArguments, reporter: RunReporter? = nil,
        warn: @escaping (String) -> Void,
        reading read: (Outcome, ChangedUppers) throws(Failure) -> Void = { _, _ in }
    ) throws(Failure) -> CInt {
        let calls = try CallReporter(arguments, plan)
        guard let file = arguments.value(.trace) else {
            return try supervise(
                plan, until: .ended, reporter: reporter, calls: calls, warn: warn
            ) { (outcome) throws(Failure) in try read(outcome, ChangedUppers(outcome)) }
        }
        let isPage = Trace.isPage(file)
        let plan = isPage ? plan.observed : plan
        let trace = try Trace(plan)
        // Opened before the run: an unwritable file is an error here, and the program could exchange the
        // directory later. Written after it, also after a failed start.
        var output: TraceFile?
        if file != "-" {
            do throws(Failure) {
                output = try TraceFile(file)
            } catch {
                throw error.within("--trace")
            }
        }
        let code = Result { () throws(Failure) in
            try supervise(
                plan, until: .ended, trace: trace, reporter: reporter, calls: calls, warn: warn
            ) { (outcome) throws(Failure) in
                let changes = ChangedUppers(outcome)
                if isPage {
                    do throws(Failure) {
                        try changes.note(in: trace, besides: plan.mountPoints)
                    } catch {
                        throw error.within("--trace")
                    }
                }
                try read(outcome, changes)
            }
        }
        if let output {
            try output.write(trace)
        } else {
            arguments.globals.log.show(trace.table)
        }
        return try code.get()
    }

    static func unknown(_ name: String) -> Command {
        Command(
            name: name, summary: "", operands: "", details: [], options: [], isUnknown: true,
            failureCode: Failure.ofRuntime,
            run: { _ throws(Failure) in throw Failure(unknownSentence(name)) })
    }
}

extension Plan {
    /// With the waits of `--stop-at`.
    ///
    /// - Parameter command: Prints the steps, for a message.
    func stopping(
        by arguments: ParsedArguments, printedBy command: String = "vfs-run plan"
    ) throws(Failure) -> Plan {
        let stops = arguments.values(.stopAt)
        if stops.isEmpty { return self }
        do throws(Failure) {
            return try stopping(at: stops, printedBy: command)
        } catch {
            throw error.within("--stop-at")
        }
    }
}
