internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// The config.json of a command line, read and not checked.
struct NamedConfig {
    let document: JSONDocument
    /// As the user gave it.
    let file: String
    /// The directory of config.json, absolute.
    let bundle: String
    /// The settings of the command line.
    let invocation: Invocation

    init(_ arguments: ParsedArguments) throws(Failure) {
        guard let path = arguments.operands.first else {
            throw Failure("name a config.json; see \"vfs-run --help\"")
        }
        var invocation = Invocation()
        invocation.arguments = try arguments.programWords()
        invocation.upper = try arguments.path(.upper)
        invocation.setControlGroups(arguments.globals)
        invocation.readsUpperFor =
            arguments.has(.compare)
            ? "--diff" : arguments.has(.collect) ? "--collect" : arguments.pageOption
        invocation.notices = arguments.seccompNotices
        invocation.snapshot = arguments.value(.snapshot)
        for layer in arguments.values(.layer) {
            invocation.layers += try LoadedConfig.layers(layer, of: path)
        }
        invocation.streamFiles = try arguments.streamFiles()
        invocation.hasTerminal =
            FileDescriptor.standardInput.isTerminal && FileDescriptor.standardOutput.isTerminal
            && invocation.streamFiles.isEmpty
        if arguments.takes(.report) { try LimitOptions(arguments).apply(to: &invocation) }
        try invocation.setCaller(arguments.globals)
        if invocation.privilege != .full {
            invocation.scratch = LoadedConfig.cacheDirectory + "/throw-away"
        }
        self.invocation = invocation
        file = path
        document = try LoadedConfig.read(path, ofBundle: false)
        bundle = try LoadedConfig.bundle(of: path)
    }
}
