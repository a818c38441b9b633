internal import Batch
internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

extension Option {
    static let jobs = Option(
        "jobs", short: "j", value: "N",
        "run at most N jobs at once, up to 256; default: the number of processors")
    static let ordered = Option("ordered", "write the answers in the order of the lines")
    static let pin = Option(
        "pin", "bind each slot to a processor of its own, as far as there are enough")

    static let template = Option(
        "template", value: "FILE", completes: .files,
        "lay every job over that one: a JSON object as of a line, without id")

    static let listen = Option(
        "listen", value: "PATH", completes: .files,
        "serve jobs and sessions over a Unix socket, for the caller and root alone")

    /// The options of `sandbox` that hold for many runs.
    static var batch: [Option] {
        [
            jobs, ordered, pin, template, listen, base, layerAboveBase, volume, tmpfs, madeFile,
            workingDirectory, variable, variableFile, sandboxUser, hostname, addCapability,
            dropCapability, processors,
            processorSet, memoryAndSwap, quiet, printsConfig, slotNetwork, timeout, processorTime,
            maxOutput, bestEffort, memory, processes, disk, resourceLimit,
        ]
    }

    static let slotNetwork = Option(
        "network", value: "NETWORK", completes: .words(["none", "lo"]),
        "none: a network namespace for each slot, without any interface up; lo: a new one for each"
            + " job, with lo up; default: none")
}

extension Command {
    /// `vfs-run batch < JOBS > ANSWERS`
    static let batch = Command(
        name: "batch", summary: "run many commands that are not trusted",
        details: [
            "Reads a job from each line of standard input, a JSON object with the command in args, and"
                + " runs it in a sandbox of its own, as the sandbox command does. Writes one line with"
                + " its report and its output when it has ended. docs/batch.md describes the lines.",
            "Options are those of sandbox, for all jobs. What a job says takes their place for it.",
            "The exit code is 0 when every line had an answer, 125 for an error of vfs-run, and 128 + N"
                + " if signal N ended the batch.",
        ],
        options: Option.batch, failureCode: Failure.ofRuntime,
        run: { arguments throws(Failure) in
            let template = try BatchTemplate(arguments)
            let job = try BatchTemplate.job(arguments)
            let shape = job?.shape ?? JobShape()
            if arguments.has(.printsConfig) {
                try Output.write(try template.sandbox(shape, rehearses: true).config.prettyText)
                return 0
            }
            // What is wrong with the options is told before a line is read.
            var warnings: [String] = []
            _ = try template.plan(of: shape, rehearses: true) { warnings.append($0) }
            let log = arguments.globals.log
            let isQuiet = arguments.has(.quiet)
            if !isQuiet { for warning in warnings { log.warning(warning) } }
            var preparation = Preparation(
                sharesNetwork: template.sharesNetwork, told: Set(warnings),
                warn: { if !isQuiet { log.warning($0) } }
            ) { (shape, warn) throws(Failure) in
                try template.plan(of: shape, rehearses: false, warn: warn)
            }
            preparation.template = job
            var options = try template.options()
            let progress = BatchProgress(arguments)
            options.progress = progress?.show
            defer { progress?.finish() }
            try BatchServer(options, preparation).run()
            return 0
        })
}

/// What the command line of a batch says of all jobs.
private struct BatchTemplate: Sendable {
    private let arguments: ParsedArguments
    private let invocation: Invocation
    private let host: SandboxHost
    private let request: SandboxRequest
    let sharesNetwork: Bool

    private static let mostSlots = 256
    /// Of standard output and standard error together, where nothing else is said.
    private static let output = "1m"

    init(_ arguments: ParsedArguments) throws(Failure) {
        self.arguments = arguments
        var invocation = Invocation()
        invocation.setControlGroups(arguments.globals)
        invocation.measures = true
        try invocation.setCaller(arguments.globals)
        self.invocation = invocation
        host = try SandboxHost(invocation)
        let network = arguments.value(.slotNetwork) ?? "none"
        guard ["none", "lo"].contains(network) else {
            throw Failure("--network: \(network.inQuotes) is not known; use none or lo")
        }
        // An ordinary user makes network namespaces in a user namespace alone.
        sharesNetwork = network == "none" && invocation.privilege == .full
        var request = try SandboxRequest(
            arguments, in: host.workingDirectory, command: ["true"], network: "none")
        if request.files.contains(where: { $0.source == nil }) {
            throw Failure("--file: standard input has the jobs; name a file")
        }
        if arguments.value(.maxOutput) == nil { request.limits.removeAll { $0.key == "output" } }
        for (key, text) in [("output", BatchTemplate.output), ("wallTime", "600s")]
        where !request.limits.contains(where: { $0.key == key }) {
            request.limits.append((key, text, words: ""))
        }
        for limit in request.limits where limit.key == "output" {
            if RunLimits.value(.output, limit.text) ?? 0 > BatchJob.mostOutput {
                throw Failure("--max-output: a job of a batch has at most 64m of output")
            }
        }
        self.request = request
    }

    /// `--template`
    static func job(_ arguments: ParsedArguments) throws(Failure) -> BatchJob? {
        guard let path = try arguments.path(.template) else { return nil }
        let bytes = try attempt(
            "open", on: "--template \(path)", try HostPath.read(path, limit: 16 << 20))
        do throws(Failure) {
            return try BatchJob(template: bytes)
        } catch {
            throw Failure("--template: \(path.inQuotes): \(error.message)")
        }
    }

    func options() throws(Failure) -> BatchServer.Options {
        var options = BatchServer.Options()
        let processors = try attempt("sched_getaffinity", try CurrentProcess.affinity())
        options.slots = max(1, processors.count)
        if let text = arguments.value(.jobs) {
            guard let count = Int(text), (1...BatchTemplate.mostSlots).contains(count) else {
                throw Failure(
                    "--jobs: \(text.inQuotes) is not a number from 1 to \(BatchTemplate.mostSlots)")
            }
            options.slots = count
        }
        options.isOrdered = arguments.has(.ordered)
        options.listens = try arguments.path(.listen)
        if arguments.has(.pin) { options.processors = processors.numbers }
        return options
    }

    func sandbox(_ shape: JobShape, rehearses: Bool) throws(Failure) -> PreparedSandbox {
        var request = request
        if let base = shape.base {
            request.base = try SandboxBase.read(base, arguments, from: host.workingDirectory)
        }
        if let layers = shape.layers {
            request.layers = []
            for layer in layers {
                request.layers += try LoadedConfig.layers(
                    layer, of: "\(host.workingDirectory)/config.json")
            }
        }
        if let directory = shape.workingDirectory { request.workingDirectory = directory }
        for (key, text) in shape.limits.sorted(by: { $0.key < $1.key }) {
            request.limits.removeAll { $0.key == key }
            request.bestEffort.removeAll { $0 == key }
            if arguments.has(.bestEffort) { request.bestEffort.append(key) }
            request.limits.append((key, text, words: ""))
        }
        return try PreparedSandbox(request, host, .discard, rehearses: rehearses)
    }

    func plan(
        of shape: JobShape, rehearses: Bool, warn: @escaping (String) -> Void
    ) throws(Failure) -> PreparedPlan {
        let sandbox = try sandbox(shape, rehearses: rehearses)
        var invocation = invocation
        if shape.collects { invocation.readsUpperFor = "--collect" }
        for warning in sandbox.warnings { warn(warning) }
        let plan = try sandbox.plan(
            invocation, arguments.globals.log, in: host.workingDirectory, rehearses: rehearses,
            warn: warn)
        return PreparedPlan(plan, holding: sandbox)
    }
}
