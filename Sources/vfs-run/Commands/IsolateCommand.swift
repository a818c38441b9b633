internal import Cgroups
internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import Report
internal import Sandbox
internal import Supervision
internal import SystemPackage

extension Command {
    /// `vfs-run isolate --run -- PROGRAM`, also under the name `isolate`
    static let isolate = Command(
        name: "isolate", summary: "run a program in a box, by the command line of isolate",
        operands: "[PROGRAM] [ARG…]",
        details: [
            "Takes the options of isolate(1), by which graders run programs, and writes its meta"
                + " files. --init makes the box N and prints its directory, --run runs PROGRAM in it,"
                + " and --cleanup removes it. Also when vfs-run is started under the name isolate.",
            "PROGRAM is a path in the box; PATH is not searched. It is the caller inside, sees /box,"
                + " /tmp and the programs of the host, and has no network but lo.",
            "Boxes lie in the directory VFS_RUN_BOXES, or beside the sandboxes that are kept. Root"
                + " privileges are not needed.",
            "The exit code is 0 if PROGRAM ended with 0, 1 if it ended otherwise or was killed, and"
                + " 2 for an error of vfs-run.",
        ],
        options: Option.isolate, failureCode: 2,
        run: { arguments throws(Failure) in
            let commands: [Option] = [
                .makesBox, .runsInBox, .removesBox, .printsGroups, .checksConfig,
            ]
            let given = commands.filter(arguments.has)
            guard given.count == 1 else {
                throw Failure(
                    given.isEmpty
                        ? "give one of --init, --run, --cleanup, --print-cg-root"
                        : "give one command; --\(given[0].long) and --\(given[1].long) are two")
            }
            if !arguments.has(.runsInBox), let operand = arguments.operands.first {
                throw Failure(
                    "--\(given[0].long) takes no operand, but \(operand.inQuotes) follows")
            }
            let meta = try MetaFile(arguments)
            do throws(Failure) {
                return try carryOut(arguments, meta)
            } catch {
                try meta.write(BoxMeta(error).text)
                throw error
            }
        })

    private static func carryOut(
        _ arguments: ParsedArguments, _ meta: MetaFile
    ) throws(Failure) -> CInt {
        if arguments.has(.checksConfig) { return 0 }
        if arguments.has(.printsGroups) {
            try Output.write(try BoxRun.groups() + "\n")
            return 0
        }
        let makes = arguments.has(.makesBox)
        let number = try arguments.boxNumber()
        let usesGroup = arguments.has(.usesControlGroup)
        let found = try BoxStore.ofCaller().open(
            number, makes: makes, waits: arguments.has(.waitsForBox))
        if arguments.has(.removesBox) {
            try found?.remove(usesControlGroups: usesGroup)
            return 0
        }
        guard let box = found else {
            throw Box.missing(number, usesControlGroups: usesGroup)
        }
        if makes {
            try box.make(usesControlGroups: usesGroup)
            try Output.write(box.path + "\n")
            return 0
        }
        if arguments.operands.isEmpty { throw Failure("--run takes a program; name one behind --") }
        try box.require(usesControlGroups: usesGroup)
        return try BoxRun(arguments, box).run(meta)
    }
}

/// The file of `--meta`, opened before anything is done.
struct MetaFile {
    private let stream: CallerStream?

    /// How long, in seconds, a reader that takes nothing is waited for.
    private static let patience: UInt64 = 30

    init(_ arguments: ParsedArguments) throws(Failure) {
        guard let path = arguments.value(.meta) else {
            stream = nil
            return
        }
        if path == "-" {
            stream = CallerStream(.standardOutput)
            return
        }
        stream = CallerStream(
            opened: try attempt(
                "open", on: path, advice: HostPath.adviceOfOutput, try HostPath.openOutput(path)))
    }

    func write(_ text: String) throws(Failure) {
        guard let stream else { return }
        try attempt(
            "write", "the meta file",
            try stream.tell(Array(text.utf8), until: Clock.deadline(seconds: MetaFile.patience)))
    }
}

/// A run in a box.
private struct BoxRun {
    let arguments: ParsedArguments
    let box: Box
    private let usesGroup: Bool

    /// How long, in seconds, the other end of a FIFO is waited for, where no wall time says it.
    private static let patience: UInt64 = 10

    init(_ arguments: ParsedArguments, _ box: Box) {
        (self.arguments, self.box) = (arguments, box)
        usesGroup = arguments.has(.usesControlGroup)
    }

    /// The cgroup of this process: of version 2, or else of the first hierarchy.
    static func groups() throws(Failure) -> String {
        let found = try Hierarchies.read()
        guard let hierarchy = found.version2 ?? found.version1.first else {
            throw Failure("no hierarchy of cgroups is mounted; see \"vfs-run doctor\"")
        }
        return hierarchy.path(hierarchy.own)
    }

    func run(_ meta: MetaFile) throws(Failure) -> CInt {
        if !arguments.has(.keepsSpecialFiles) { try box.removeSpecialFiles() }
        let told = try execute()
        if !arguments.has(.keepsSpecialFiles) { try box.removeSpecialFiles() }
        try meta.write(told.text)
        if !arguments.has(.silent) || told.exitCode > 1 {
            let line = told.message ?? "OK (\(told.times))"
            try attempt(
                "write", "to standard error",
                try CallerStream(.standardError).tell(
                    Array((line + "\n").utf8), until: Clock.deadline(seconds: 1)))
        }
        return told.exitCode
    }

    private func execute() throws(Failure) -> BoxMeta {
        do throws(Failure) {
            var limits = BoxMeta.Limits()
            limits.time = try arguments.milliseconds(.boxTime)
            limits.wallTime = try arguments.milliseconds(.boxWallTime)
            limits.usesControlGroup = usesGroup
            return BoxMeta(try supervise(limits), limits)
        } catch {
            switch error.kind {
            case .programNotFound, .programNotExecutable:
                // isolate(1) has the program's standard error say so.
                arguments.globals.log.error(error.lines)
                return BoxMeta(error)
            case .outOfMemory, .interrupted:
                return BoxMeta(error)
            default: throw advised(error)
            }
        }
    }

    /// With what to do where --cg-mem cannot hold.
    private func advised(_ error: Failure) -> Failure {
        guard arguments.has(.groupMemory), !arguments.has(.bestEffort),
            !Hierarchies.lacks(["memory"]).isEmpty
        else { return error }
        var error = error
        error.subject += "; --best-effort limits the memory of each process by itself"
        return error
    }

    private func supervise(_ limits: BoxMeta.Limits) throws(Failure) -> Outcome {
        let isVerbose = arguments.has(.verbose)
        var settings = Supervisor.Limits()
        settings.measures = usesGroup
        settings.onSignal = .kills
        let invocation = try invocation()
        if !invocation.innerStreams.isEmpty && limits.wallTime > 0 {
            // The opening of a FIFO takes as long as its other end likes.
            settings.deadline = Clock.nanoseconds + limits.wallTime * 1_000_000
        }
        if !invocation.innerStreams.isEmpty && limits.wallTime == 0 {
            settings.startDeadline = Clock.deadline(seconds: BoxRun.patience)
        }
        let host = try SandboxHost(invocation)
        let sandbox = try PreparedSandbox(
            try SandboxRequest(arguments, in: box), host, .discard, rehearses: false)
        let log = arguments.globals.log
        // Standard error is the program's too: graders show it to its author.
        let warn = { (warning: String) in if isVerbose { log.warning(warning) } }
        for warning in sandbox.warnings { warn(warning) }
        let plan = try sandbox.plan(invocation, log, in: box.path)
        let supervisor = Supervisor(plan, until: .ended, limits: settings, warn: warn)
        var outcome = try supervisor.run()
        try supervisor.finish(&outcome)
        return outcome
    }

    private func invocation() throws(Failure) -> Invocation {
        var invocation = Invocation()
        let paths = [Option.innerInput, .innerOutput, .innerError].map {
            arguments.value($0).map(SandboxRequest.inside)
        }
        invocation.innerStreams.input = paths[0]
        invocation.innerStreams.output = paths[1]
        invocation.innerStreams.error = paths[2]
        invocation.innerStreams.joinsError = arguments.has(.joinsError)
        invocation.hasTerminal =
            arguments.has(.terminalHack) && FileDescriptor.standardInput.isTerminal
            && FileDescriptor.standardOutput.isTerminal && invocation.innerStreams.isEmpty
        invocation.measures = usesGroup
        invocation.asksSystemd = arguments.globals.controlGroupManager == .systemd
        // Without --cg each process is limited by itself, and nothing counts them together.
        let isDisabled = arguments.globals.controlGroupManager == .disabled
        if !usesGroup || isDisabled {
            invocation.controlGroups = .disabled
        } else if Hierarchies.lacks(["memory", "cpuacct", "pids"]).isEmpty {
            // Its figures are told, also where it has no limits.
            invocation.controlGroups = .always
        }
        try invocation.setCaller(arguments.globals)
        return invocation
    }
}
