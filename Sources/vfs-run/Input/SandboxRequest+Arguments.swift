internal import Cgroups
internal import ContainerRuntime
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

extension SandboxRequest {
    /// What a command line asks for.
    ///
    /// - Parameters:
    ///   - directory: The caller's working directory.
    ///   - command: In the place of the operands.
    ///   - network: In the place of `--network`.
    init(
        _ arguments: ParsedArguments, in directory: String, command: [String]? = nil,
        network given: String? = nil
    ) throws(Failure) {
        self.init()
        self.arguments = command ?? arguments.commandWords
        if self.arguments.isEmpty {
            throw Failure("name a command; see \"vfs-run help sandbox\"")
        }
        base = try SandboxBase.read(
            arguments.value(.base) ?? "host", arguments, from: directory)
        for layer in arguments.values(.layer) {
            layers += try LoadedConfig.layers(layer, of: "\(directory)/config.json")
        }
        if let text = given ?? arguments.value(.network) {
            network = try Network(text, from: directory)
        }
        try readFiles(arguments, directory)
        try readProcess(arguments)
        try readResources(arguments)
        try readLimits(arguments)
    }

    /// The limits that are asked for, and the default ones, which may hold less well or not at all.
    private mutating func readLimits(_ arguments: ParsedArguments) throws(Failure) {
        let given = try LimitOptions(arguments)
        for limit in given.ofProcess {
            processLimits.append(
                (limit.value.resource.name, soft: limit.value.soft, hard: limit.value.hard))
        }
        limits = given.texts.map { ($0.name.rawValue, $0.text) }
        mostFiles = given.files
        if arguments.has(.bestEffort) { bestEffort = limits.map(\.key) }
        for (key, text) in try SandboxRequest.defaults(arguments) {
            if limits.contains(where: { $0.key == key }) { continue }
            // A limit of address space in its place would keep programs from starting that reserve
            // more than they use.
            if key == "memory", let lack = SandboxRequest.memoryLack(arguments) {
                if !arguments.has(.quiet) {
                    arguments.globals.log.warning("no limit of memory holds: \(lack)")
                }
                continue
            }
            limits.append((key, text))
            bestEffort.append(key)
        }
    }

    /// Why no cgroup holds a limit of memory; nil where one does.
    private static func memoryLack(_ arguments: ParsedArguments) -> String? {
        switch arguments.globals.controlGroupManager {
        case .disabled: "cgroups are disabled (--cgroup-manager disabled)"
        case .systemd: nil
        case .files: Hierarchies.lacks(["memory"]).first?.sentence
        }
    }

    private static func defaults(
        _ arguments: ParsedArguments
    ) throws(Failure) -> [(key: String, text: String)] {
        let pages = try attempt("sysconf", "_SC_PHYS_PAGES", try Memory.pages())
        let half = pages / 2 * UInt64(PageSize.bytes)
        var found: [(key: String, text: String)] = [
            ("memory", String(min(half, 2 << 30))), ("pids", "512"), ("disk", "1g"),
        ]
        // A person at a terminal ends it when it takes too long.
        if !FileDescriptor.standardInput.isTerminal { found.append(("wallTime", "600s")) }
        let isFile = (try? FileStatus.of(.standardOutput).kind) == .regular
        if isFile || arguments.value(.report) != nil { found.append(("output", "64m")) }
        return found
    }

    private mutating func readFiles(
        _ arguments: ParsedArguments, _ directory: String
    ) throws(Failure) {
        if let text = arguments.value(.workingDirectory) {
            if text.isEmpty { throw Failure("-w: the name is empty; is a variable unset?") }
            workingDirectory = PathText.cleaned(
                text.hasPrefix("/") ? text : "\(directory)/\(text)")
        }
        for text in arguments.values(.volume) {
            volumes.append(try Volume(text, from: directory))
        }
        for text in arguments.values(.tmpfs) { volumes.append(try Volume(tmpfs: text)) }
        var destinations: Set<String> = []
        for volume in volumes where !destinations.insert(volume.destination).inserted {
            throw Failure(
                "two volumes have the destination \(volume.destination.inQuotes); remove one")
        }
        let inside = workingDirectory ?? directory
        for text in arguments.values(.madeFile) {
            files.append(try SandboxFile(text, from: directory, inside: inside))
        }
        if files.count(where: { $0.source == nil }) > 1 {
            throw Failure("--file: standard input has the content of one file; use - once")
        }
    }

    private mutating func readProcess(_ arguments: ParsedArguments) throws(Failure) {
        let caller: (String) -> String? = { CurrentProcess.environment($0) }
        for file in arguments.values(.variableFile) {
            let bytes = try attempt("open", on: file, try HostPath.read(file, limit: 1 << 20))
            environment += try Variables.entries(in: bytes, named: file, caller: caller)
        }
        for text in arguments.values(.variable) {
            if let entry = try Variables.entry(text, caller: caller) { environment.append(entry) }
        }
        user = arguments.value(.sandboxUser)
        hostname = arguments.value(.hostname)
        if let hostname, hostname.isEmpty || hostname.utf8.count > 64 || !hostname.isPlainName {
            throw Failure(
                "--hostname: \(hostname.inQuotes) is not a host name of at most 64 letters, digits, -"
                    + " and .")
        }
        addedCapabilities = arguments.values(.addCapability)
        droppedCapabilities = arguments.values(.dropCapability)
    }

    private mutating func readResources(_ arguments: ParsedArguments) throws(Failure) {
        if let text = arguments.value(.processors) {
            processors = try SandboxRequest.processors(text)
        }
        processorSet = arguments.value(.processorSet)
        if let text = arguments.value(.memoryAndSwap) {
            memoryAndSwap = try UpdatedResources.size(text, "--memory-swap")
        }
    }

    /// In thousandths of a CPU.
    private static func processors(_ text: String) throws(Failure) -> UInt64 {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let digits = parts.count > 1 ? String(parts[1].prefix(3)) : ""
        let padded = digits + String(repeating: "0", count: 3 - digits.count)
        guard let whole = UInt64(parts[0].isEmpty ? "0" : String(parts[0])), whole < 100_000,
            let fraction = UInt64(padded),
            parts.count == 1
                || !parts[1].isEmpty
                    && parts[1].allSatisfy({ $0.isASCII && $0.isNumber }),
            whole * 1000 + fraction >= 10
        else {
            throw Failure("--cpus: \(text.inQuotes) is not a number of CPUs; write 2, or 0.5")
        }
        return whole * 1000 + fraction
    }
}

extension ParsedArguments {
    /// The operands as a command; a leading `--` is dropped.
    var commandWords: [String] {
        operands.first == "--" ? Array(operands.dropFirst()) : operands
    }
}
