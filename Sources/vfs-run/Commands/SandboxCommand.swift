internal import ContainerRuntime
internal import JSON
internal import Layers
internal import LinuxSystem
internal import Report
internal import Sandbox
internal import Supervision
internal import SystemPackage

extension Command {
    /// `vfs-run sandbox -- COMMAND`
    static let sandbox = Command(
        name: "sandbox", summary: "run a command that is not trusted",
        operands: "COMMAND [ARG…]",
        details: [
            "Runs COMMAND in the working directory, which it sees copy-on-write: it reads what is"
                + " there, and nothing that it writes reaches the host. It has the programs and"
                + " libraries of the host, no network and limits, and no more rights than the caller.",
            "Options precede COMMAND. The words after it are its own, with or without --.",
            "--keep and --name keep what COMMAND writes; diff, apply and discard take the name of the"
                + " sandbox.",
            "The exit code is that of the command, 128 + N if signal N ended it, 124 if its time was"
                + " over, 137 if its memory, its disk or its output was, 127 if it was not found, 126"
                + " if it could not be executed, and 125 for an error of vfs-run.",
        ],
        options: Option.sandbox + Option.limits, endsWithOtherCommand: true,
        failureCode: Failure.ofRuntime,
        run: { arguments throws(Failure) in
            if arguments.has(.printsConfig) {
                try Output.write(try SandboxStart(arguments).sandbox.config.prettyText)
                return 0
            }
            if arguments.has(.printsPlan) {
                try Output.write(try SandboxStart(arguments).plan().text)
                return 0
            }
            let reporter = try RunReporter(arguments)
            return try reporter.reporting { () throws(Failure) in
                try SandboxStart(arguments).run(reporter)
            }
        })
}

/// A sandbox of a command line on its way.
private struct SandboxStart {
    let arguments: ParsedArguments
    let sandbox: PreparedSandbox
    private let invocation: Invocation
    private let directory: String
    private let rehearses: Bool
    private let collection: Collection?

    init(_ arguments: ParsedArguments) throws(Failure) {
        self.arguments = arguments
        try SandboxStart.requireQuestion(arguments)
        collection = try Collection(arguments)
        rehearses = arguments.has(.printsConfig) || arguments.has(.printsPlan)
        var invocation = Invocation()
        invocation.streamFiles = try arguments.streamFiles()
        invocation.readsUpperFor = collection != nil ? "--collect" : arguments.pageOption
        invocation.hasTerminal =
            FileDescriptor.standardInput.isTerminal && FileDescriptor.standardOutput.isTerminal
            && invocation.streamFiles.isEmpty || arguments.has(.allocatesTerminal)
        invocation.setControlGroups(arguments.globals)
        invocation.notices = arguments.seccompNotices
        invocation.measures = RunReporter.measures(arguments)
        try invocation.setCaller(arguments.globals)
        self.invocation = invocation
        let host = try SandboxHost(invocation)
        directory = host.workingDirectory
        let request = try SandboxRequest(arguments, in: host.workingDirectory)
        sandbox = try PreparedSandbox(
            request, host, try SandboxStart.keeping(arguments), rehearses: rehearses)
        for warning in sandbox.warnings { arguments.globals.log.warning(warning) }
    }

    /// Before anything is made: after the run there is no one to be asked.
    private static func requireQuestion(_ arguments: ParsedArguments) throws(Failure) {
        guard arguments.has(.asks) else { return }
        if arguments.has(.applies) {
            throw Failure("--ask and --apply exclude each other; --ask applies what is chosen")
        }
        try ApplyReview.requireTerminal()
    }

    private static func keeping(
        _ arguments: ParsedArguments
    ) throws(Failure) -> PreparedSandbox.Keeping {
        if let name = arguments.value(.sandboxName) {
            do throws(Failure) {
                return .named(try SandboxName(name))
            } catch {
                throw error.within("--name")
            }
        }
        let isKept = [.keepSandbox, .asks, .applies].contains { arguments.has($0) }
        return isKept ? .new : .discard
    }

    /// The plan of the config that the sandbox has written.
    func plan() throws(Failure) -> Plan {
        try sandbox.plan(
            invocation, arguments.globals.log, in: directory, rehearses: rehearses)
    }

    func run(_ reporter: RunReporter) throws(Failure) -> CInt {
        let code: CInt
        var hasRun = false
        do throws(Failure) {
            let plan = try plan().stopping(
                by: arguments, printedBy: "vfs-run sandbox --plan …")
            code = try Command.supervise(
                plan, traced: arguments, reporter: reporter, warn: arguments.globals.log.warning
            ) { (outcome, _) throws(Failure) in
                hasRun = true
                try collection?.take(
                    outcome, from: plan.workingDirectory, warn: arguments.globals.log.warning)
                if reporter.reports { reporter.changes = countedChanges }
            }
        } catch {
            // What the command has written is kept all the same.
            if !hasRun { try sandbox.abandon() }
            throw error
        }
        if let kept = sandbox.kept, arguments.has(.asks) || arguments.has(.applies) {
            return try ApplyReview(kept, arguments.globals.log).conclude(code, arguments)
        }
        if let kept = sandbox.kept, !arguments.has(.quiet) {
            if let known = reporter.changes {
                tell(kept, known)
            } else {
                tell(kept, try kept.changes)
            }
        }
        return code
    }

    /// Nil where nothing is kept.
    private var countedChanges: Report.Changes? {
        do throws(Failure) {
            return try sandbox.kept?.changesInCopy
        } catch {
            arguments.globals.log.warning("the changes were not counted: \(error.message)")
            return nil
        }
    }

    /// What was kept, and what to do with it.
    private func tell(_ kept: KeptSandbox, _ changes: Report.Changes) {
        let count = changes.all
        let files = count == 1 ? "1 file" : "\(count) files"
        let name = kept.name.text
        arguments.globals.log.tell(
            count == 0
                ? "\(name): nothing has changed"
                : "\(name): \(files) changed; vfs-run diff \(name) · vfs-run apply \(name) --all ·"
                    + " vfs-run discard \(name)")
    }
}

extension PreparedSandbox {
    /// The plan of its config.
    ///
    /// - Parameters:
    ///   - directory: Stands for the bundle.
    ///   - rehearses: The plan is not run.
    ///   - warn: Gets the warnings in the place of the log.
    func plan(
        _ invocation: Invocation, _ log: Log, in directory: String, rehearses: Bool = false,
        warn: ((String) -> Void)? = nil
    ) throws(Failure) -> Plan {
        let document: JSONDocument
        do {
            document = try config.document
        } catch {
            throw Failure("the config of the sandbox: \(error.message)")
        }
        return try LoadedConfig(
            document, file: "sandbox", bundle: directory, invocation, log, rehearses: rehearses,
            warn: warn
        ).plan
    }
}
