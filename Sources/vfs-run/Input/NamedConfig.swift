internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// A config.json that a command line names, read and not looked at yet.
struct NamedConfig {
    let document: JSONDocument
    /// As the user gave it.
    let file: String
    /// The directory it lies in, absolute.
    let bundle: String
    /// What the command line says besides.
    let invocation: Invocation

    /// - Parameter operands: The config, and what replaces `process.args`.
    init(_ arguments: ParsedArguments) throws(CommandError) {
        guard let path = arguments.operands.first else {
            let name = arguments.command.name
            throw CommandError(
                "\(name.isEmpty ? "" : name + ": ")name a config.json; see \"vfs-run"
                    + " \(name.isEmpty ? "--help" : "help \(name)")\"")
        }
        var invocation = Invocation()
        invocation.arguments = try arguments.programWords()
        invocation.upper = try arguments.path(.upper)
        if arguments.globals.controlGroupManager == .disabled {
            invocation.controlGroups = .disabled
        }
        invocation.asksSystemd = arguments.globals.controlGroupManager == .systemd
        invocation.comparesUpper = arguments.has(.compare)
        invocation.snapshot = arguments.value(.snapshot)
        for layer in arguments.values(.layer) {
            invocation.layers += try LoadedConfig.layers(layer, of: path)
        }
        invocation.hasTerminal =
            FileDescriptor.standardInput.isTerminal && FileDescriptor.standardOutput.isTerminal
        try invocation.setCaller(arguments.globals)
        if invocation.privilege != .full {
            invocation.scratch = LoadedConfig.cacheDirectory + "/throw-away"
        }
        self.invocation = invocation
        file = path
        document = try LoadedConfig.read(path, ofBundle: false)
        bundle = try LoadedConfig.absolute(LoadedConfig.directory(of: path))
    }
}
