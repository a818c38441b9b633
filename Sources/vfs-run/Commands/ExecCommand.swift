internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension Option {
    fileprivate static let cwd = Option(
        "cwd", value: "DIR", "the working directory in the container")
    fileprivate static let env = Option(
        "env", short: "e", value: "NAME=VALUE", "set an environment variable; may be repeated")
    fileprivate static let tty = Option("tty", short: "t", "allocate a terminal")
    fileprivate static let user = Option(
        "user", short: "u", value: "UID[:GID]", "run as this user and group")
    fileprivate static let groups = Option(
        "additional-gids", short: "g", value: "GID", "add a supplementary group; may be repeated")
    fileprivate static let process = Option(
        "process", short: "p", value: "FILE", completes: .files,
        "read the process, as config.json describes it, from FILE")
    fileprivate static let label = Option("process-label", value: "LABEL", "the SELinux context")
    fileprivate static let appArmor = Option("apparmor", value: "PROFILE", "the AppArmor profile")
    fileprivate static let noNewPrivileges = Option("no-new-privs", "set no_new_privs (prctl(2))")
    fileprivate static let capabilities = Option(
        "cap", short: "c", value: "CAPABILITY", "add a capability; may be repeated")
    fileprivate static let controlGroup = Option(
        "cgroup", value: "PATH",
        "a control group below that of the container; may be repeated")
    fileprivate static let ignorePaused = Option(
        "ignore-paused", "allow a paused container; the process waits until it is resumed")
}

extension Command {
    /// `vfs-run exec ID COMMAND`
    static let exec = Command(
        name: "exec", summary: "run a program in a running container",
        operands: "ID [COMMAND ARGS…]",
        details: [
            "Joins the namespaces and the control groups of the container and runs COMMAND with the"
                + " settings of the config's process; options override them. --process reads all"
                + " settings from a file. The exit code is that of the program, 128 + N if signal N"
                + " ended it, and 255 if it was not run."
        ],
        options: [
            .consoleSocket, .pidfdSocket, .cwd, .env, .tty, .user, .groups, .process, .detach,
            .pidFile, .label, .appArmor, .noNewPrivileges, .capabilities, .preservedDescriptors,
            .controlGroup, .ignorePaused,
        ] + Option.runLimits,
        isOfContainers: true,
        endsWithOtherCommand: true,
        failureCode: 255,
        run: { arguments throws(Failure) in
            let reporter = try reporter(arguments)
            return try reporter.reporting { () throws(Failure) in
                try supervise(
                    execPlan(arguments), until: arguments.has(.detach) ? .started : .ended,
                    reporter: reporter,
                    debug: DebugLines(arguments.globals.log, joins: true),
                    warn: arguments.globals.log.warning)
            }
        })

    /// The steps of `exec`.
    static func execPlan(_ arguments: ParsedArguments) throws(Failure) -> Plan {
        let container = try arguments.container()
        var joining = Joining(
            try container.joined(ignoringPause: arguments.has(.ignorePaused)))
        let file = arguments.value(.process)
        joining.container.pidFile = try arguments.path(.pidFile)
        joining.container.pidfdSocket = try arguments.path(.pidfdSocket)
        joining.container.consoleSocket = try arguments.path(.consoleSocket)
        joining.container.preservedDescriptors = try arguments.count(.preservedDescriptors) ?? 0
        for place in arguments.values(.controlGroup) {
            joining.container.innerControlGroups.append(try controlGroup(place))
        }
        if file == nil { try read(arguments, into: &joining) }
        var invocation = Invocation()
        invocation.overlaysByDefault = false
        invocation.hasTerminal = true
        invocation.leavesTerminal = arguments.has(.detach)
        invocation.joining = joining
        if arguments.takes(.report) { try LimitOptions(arguments).apply(to: &invocation) }
        try invocation.setCaller(arguments.globals)
        return try LoadedConfig(
            joining: container, bundle: joining.container.bundle, process: file, invocation,
            arguments.globals.log
        ).plan
    }

    /// `PATH`, or `CONTROLLER[,CONTROLLER]:PATH`.
    private static func controlGroup(
        _ text: String
    ) throws(Failure) -> Configuration.JoinedContainer.InnerControlGroup {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let path = String(parts[parts.count - 1])
        if path.split(separator: "/").contains("..") {
            throw Failure("bad sub cgroup path: \(path)")
        }
        let controllers = parts.count > 1 ? parts[0].split(separator: ",").map(String.init) : []
        return .init(controllers: controllers, path: path)
    }

    /// Reads the options that describe the process; `--process` takes their place.
    private static func read(
        _ arguments: ParsedArguments, into joining: inout Joining
    ) throws(Failure) {
        let words = Array(arguments.operands.dropFirst())
        if words.isEmpty { throw Failure("exec args cannot be empty; name a program") }
        joining.arguments = words
        joining.hasTerminal = arguments.has(.tty)
        joining.workingDirectory = arguments.value(.cwd)
        if let cwd = joining.workingDirectory, !cwd.hasPrefix("/") {
            throw Failure("--cwd: \"\(cwd)\" is not an absolute path")
        }
        joining.environment = arguments.values(.env)
        for entry in joining.environment {
            guard let equals = entry.firstIndex(of: "="), equals != entry.startIndex else {
                throw Failure("--env: \"\(entry)\" is not of the form NAME=value")
            }
        }
        if let user = arguments.value(.user) {
            let user = try UserArgument(user)
            joining.userID = user.userID
            joining.groupID = user.groupID
        }
        for group in arguments.values(.groups) {
            joining.additionalGroupIDs.append(try id(group, "gid"))
        }
        joining.forbidsNewPrivileges = arguments.isOn(.noNewPrivileges)
        joining.appArmorProfile = arguments.value(.appArmor)
        joining.label = arguments.value(.label)
        for name in arguments.values(.capabilities) {
            guard let capability = CapabilitySet(name: name) else {
                arguments.globals.log.warning(
                    "--cap: \"\(name)\" is not a capability of this kernel; it is ignored")
                continue
            }
            joining.capabilities.formUnion(capability)
        }
    }

    private static func id(_ text: String, _ kind: String) throws(Failure) -> UInt32 {
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isNumber, let id = UInt32(text), id != .max else {
            throw Failure("bad \(kind): \"\(text)\"; use a number from 0 to \(UInt32.max - 1)")
        }
        return id
    }
}
