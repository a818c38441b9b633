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
        if self.arguments[0].isEmpty {
            throw Failure("the name of the command is empty; is a variable unset?")
        }
        words = SandboxRequest.words(arguments)
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
                (
                    limit.value.resource.name, soft: limit.value.soft, hard: limit.value.hard,
                    words: "--ulimit \(SandboxRequest.text(limit.value).inQuotes)"
                ))
        }
        limits = given.texts.map { ($0.name.rawValue, $0.text, words: $0.words) }
        try SandboxRequest.requireDisk(given)
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
            limits.append((key, text, words: ""))
            bestEffort.append(key)
        }
    }

    /// As `--ulimit` takes it.
    private static func text(_ limit: Configuration.Limit) -> String {
        func number(_ value: UInt64) -> String { value == .max ? "-1" : String(value) }
        let name = limit.resource.name.dropFirst("RLIMIT_".count).lowercased()
        return "\(name)=\(number(limit.soft)):\(number(limit.hard))"
    }

    /// What the runtime makes in a sandbox, and some files of the program.
    private static let leastDisk: UInt64 = 1 << 20

    private static func requireDisk(_ given: LimitOptions) throws(Failure) {
        guard let disk = given.limits.disk, disk.value < leastDisk else { return }
        throw Failure(
            "--disk: \(disk.value) bytes are less than the \(Quantity.size(leastDisk)) that a sandbox"
                + " takes")
    }

    /// Options whose values go into the config as they are, for messages about these.
    private static func words(_ arguments: ParsedArguments) -> [String: String] {
        let options: [Option] = [
            .hostname, .workingDirectory, .processors, .processorSet, .memoryAndSwap, .network,
        ]
        var found: [String: String] = [:]
        for option in options {
            guard let text = arguments.value(option) else { continue }
            let name = option.short.map { "-\($0)" } ?? "--\(option.long)"
            found[option.long] = "\(name) \(text.inQuotes)"
        }
        return found
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
        for (index, volume) in volumes.enumerated() {
            let other = volumes[..<index].first { $0.destination == volume.destination }
            guard let other else { continue }
            throw Failure(
                "\(other.words), \(volume.words): both are mounted on"
                    + " \(volume.destination.inQuotes); remove one")
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
        var variables = Variables(caller: CurrentProcess.environment)
        for file in arguments.values(.variableFile) { try variables.add(file: file) }
        for text in arguments.values(.variable) { try variables.add(text) }
        environment = variables.entries
        user = arguments.value(.sandboxUser)
        hostname = arguments.value(.hostname)
        if let hostname,
            hostname.isEmpty || hostname.utf8.count > 64 || !hostname.isPlainName
                || hostname.hasPrefix("-") || hostname.hasPrefix(".")
        {
            throw Failure(
                "--hostname: \(hostname.inQuotes) is not a host name; it has at most 64 letters, digits,"
                    + " - and ., and begins with a letter or a digit")
        }
        addedCapabilities = arguments.values(.addCapability)
        droppedCapabilities = arguments.values(.dropCapability)
    }

    private mutating func readResources(_ arguments: ParsedArguments) throws(Failure) {
        if let text = arguments.value(.processors) {
            processors = try SandboxRequest.processors(text)
        }
        if let text = arguments.value(.processorSet) {
            if text.isEmpty { throw Failure("--cpuset-cpus: the list is empty; write 0-2,5") }
            processorSet = text
        }
        if let text = arguments.value(.memoryAndSwap) {
            guard let size = text == "-1" ? -1 : Quantity.bytes(text).map(Int64.init) else {
                throw Failure(
                    "--memory-swap: \(text.inQuotes) is not a size; write 64m, 1g, a number of bytes, or"
                        + " -1 for no limit")
            }
            memoryAndSwap = size
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
