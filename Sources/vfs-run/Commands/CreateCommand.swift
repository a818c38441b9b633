internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

extension Option {
    static let bundle = Option(
        "bundle", short: "b", value: "DIR", completes: .directories,
        "the directory of config.json; default: the working directory")
    static let config = Option(
        "config", short: "f", value: "FILE", completes: .files,
        "read FILE in place of the bundle's config.json")
    static let noPivot = Option(
        "no-pivot", "accepted for compatibility; the runtime uses pivot_root in any case")
    fileprivate static let noNewKeyring = Option(
        "no-new-keyring", "keep the session keyring of the caller")
    fileprivate static let ignoredSubreaper = Option(
        "no-subreaper", "accepted for compatibility; create never adopts processes")
    static let keep = Option("keep", "keep the state of the container after its end")
    static let noSubreaper = Option(
        "no-subreaper", "do not adopt orphaned processes of the container")

    /// The options of both `create` and `run`.
    static let creation = [
        bundle, config, consoleSocket, pidfdSocket, pidFile, noPivot, noNewKeyring,
        preservedDescriptors,
    ]
}

extension Command {
    static let aboutDescriptors =
        "The container process inherits the standard streams, the LISTEN_FDS file descriptors if"
        + " LISTEN_PID is the pid of vfs-run (sd_listen_fds(3)), and after them those of"
        + " --preserve-fds. One of these that is not open is an error. No other file descriptor of"
        + " the caller is inherited."

    /// `vfs-run create ID`
    static let create = Command(
        name: "create", summary: "create a container, to be started later", operands: "ID",
        details: [
            "Sets up everything that the bundle's config.json describes, and stops before the program"
                + " is executed; \"vfs-run start ID\" executes it. The program inherits standard input,"
                + " output and error, unless it has a terminal.",
            aboutDescriptors,
            "With NOTIFY_SOCKET in the environment (sd_notify(3)), the program finds a socket at"
                + " /run/notify/notify.sock. Its messages up to READY=1 are forwarded by start, which"
                + " waits for that; later messages are dropped.",
        ],
        options: Option.creation + [.ignoredSubreaper], isOfContainers: true,
        run: { arguments throws(Failure) in
            try launch(arguments, until: .created)
        })

    /// The socket of the caller's service manager (sd_notify(3)).
    static var notifySocket: String? {
        CurrentProcess.environment("NOTIFY_SOCKET").flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The number of sockets that the caller passes to the program (sd_listen_fds(3)).
    private static func listeningDescriptors() throws(Failure) -> Int {
        guard CurrentProcess.environment("LISTEN_PID") == String(CurrentProcess.pid),
            let text = CurrentProcess.environment("LISTEN_FDS")
        else { return 0 }
        guard let number = Int(text), (0...1 << 20).contains(number) else {
            throw Failure("LISTEN_FDS: \"\(text)\" is not a number of file descriptors")
        }
        return number
    }

    static func launch(
        _ arguments: ParsedArguments, until: Milestone, _ reporter: RunReporter? = nil,
        restoring: CheckpointOptions? = nil
    ) throws(Failure) -> CInt {
        let name = arguments.operands[0]
        var container = Configuration.Container(
            id: try ContainerID(name), store: arguments.globals.store,
            waits: until == .created)
        container.restoring = restoring
        container.isKept = arguments.has(.keep)
        container.adoptsOrphans = until == .ended && !arguments.has(.noSubreaper)
        container.hasOwnKeyring = !arguments.has(.noNewKeyring)
        container.pidFile = try arguments.path(.pidFile)
        if arguments.takes(.pidfdSocket) {
            container.pidfdSocket = try arguments.path(.pidfdSocket)
        }
        container.consoleSocket = try arguments.path(.consoleSocket)
        if restoring == nil {
            container.preservedDescriptors = try arguments.count(.preservedDescriptors) ?? 0
            container.listeningDescriptors = try listeningDescriptors()
            container.notifySocket = notifySocket
        }
        var invocation = Invocation()
        invocation.overlaysByDefault = false
        invocation.hasTerminal = true
        invocation.leavesTerminal = until != .ended
        invocation.container = container
        invocation.notices = arguments.seccompNotices
        if arguments.takes(.report) { try LimitOptions(arguments).apply(to: &invocation) }
        try invocation.setCaller(arguments.globals)
        invocation.controlGroups =
            arguments.globals.controlGroupManager == .disabled ? .disabled : .always
        invocation.asksSystemd = arguments.globals.controlGroupManager == .systemd
        let bundle = try LoadedConfig.absolute(arguments.value(.bundle) ?? ".")
        let plan = try LoadedConfig(
            bundle: bundle, config: arguments.value(.config), invocation,
            arguments.globals.log
        ).plan
        return try supervise(
            plan, until: until, reporter: reporter, calls: try CallReporter(arguments, plan),
            debug: DebugLines(arguments.globals.log, joins: false),
            warn: arguments.globals.log.warning)
    }
}
