internal import Cgroups
internal import ContainerRuntime
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

extension SandboxRequest {
    /// What a command line of `isolate --run` asks for.
    init(_ arguments: ParsedArguments, in box: Box) throws(Failure) {
        self.init()
        self.arguments = arguments.operands
        // isolate(1) does not search PATH.
        if let program = self.arguments.first, !program.contains("/") {
            self.arguments[0] = "./" + program
        }
        var rules: [DirectoryRule] = []
        for text in arguments.values(.directoryRule) { rules.append(try DirectoryRule(text)) }
        base = .box(
            try BoxMount.find(
                DirectoryRule.rules(rules, withDefaults: !arguments.has(.noDefaultRules)), for: box)
        )
        workingDirectory = SandboxRequest.inside(arguments.value(.innerDirectory) ?? "/box")
        words["workdir"] = "--chdir"
        hasBareEnvironment = true
        mayHaveTerminal = arguments.has(.terminalHack)
        environment = try EnvironmentRules.variables(
            arguments.values(.innerVariable), of: CurrentProcess.environment,
            passesAll: arguments.has(.passesVariables))
        if arguments.has(.sharesNetwork) { network = .mode("host") }
        try readBoxLimits(arguments)
        try readProcessLimits(arguments)
    }

    /// A path of the box, absolute: others begin at /box.
    static func inside(_ path: String) -> String {
        PathText.cleaned(path.hasPrefix("/") ? path : "/box/\(path)")
    }

    private mutating func readBoxLimits(_ arguments: ParsedArguments) throws(Failure) {
        let time = try arguments.milliseconds(.boxTime)
        if time > 0 {
            // Until then it may go on, so that what it takes is told.
            let end = max(time, try arguments.milliseconds(.boxExtraTime))
            limits.append(("cpuTime", "\(end)ms", words: "--time"))
        }
        let wall = try arguments.milliseconds(.boxWallTime)
        if wall > 0 { limits.append(("wallTime", "\(wall)ms", words: "--wall-time")) }
        let most =
            arguments.has(.boxProcesses) ? try arguments.number(.boxProcesses) ?? 0 : 1
        // The init beside the program is one more.
        if most > 0 {
            limits.append(
                ("pids", String(min(most, 1 << 22 - 1) + 1), words: "--processes"))
        }
        guard let memory = try arguments.number(.groupMemory), memory > 0 else { return }
        if !arguments.has(.usesControlGroup) {
            throw Failure("--cg-mem limits the memory of a control group; add --cg")
        }
        if arguments.has(.bestEffort), let lack = Hierarchies.lacks(["memory"]).first {
            arguments.globals.log.warning(
                "--cg-mem holds for each process alone: \(lack.sentence)")
            limit(.addressSpace, memory * 1024, "--cg-mem")
        } else {
            self.memory = Int64(memory * 1024)
            memoryAndSwap = self.memory
            words["memory-swap"] = "--cg-mem"
        }
    }

    private mutating func readProcessLimits(_ arguments: ParsedArguments) throws(Failure) {
        if arguments.has(.bestEffort) { bestEffort = limits.map(\.key) }
        let stack = try arguments.number(.stack) ?? 0
        limit(.stack, stack > 0 ? stack * 1024 : .max, "--stack")
        let files = try arguments.number(.openFiles) ?? 1024
        limit(.openFiles, files > 0 ? files : .max, "--open-files")
        limit(.core, (try arguments.number(.core) ?? 0) * 1024, "--core")
        limit(.lockedMemory, 0)
        if let size = try arguments.number(.fileSize), size > 0 {
            limit(.fileSize, size * 1024, "--fsize")
        }
        if let size = try arguments.number(.addressSpace), size > 0 {
            limit(.addressSpace, size * 1024, "--mem")
        }
    }

    /// Nobody but root gets above the caller's hard limit.
    private mutating func limit(
        _ resource: ResourceLimit, _ value: UInt64, _ words: String = ""
    ) {
        let most = min(value, resource.ceiling)
        processLimits.removeAll { $0.name == resource.name }
        processLimits.append((resource.name, soft: most, hard: most, words: words))
    }
}
