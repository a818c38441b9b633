internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

extension Option {
    static let bundle = Option(
        long: "bundle", short: "b", value: "DIR",
        help: "the directory that holds config.json, this one by default", completes: .directories)
    static let config = Option(
        long: "config", short: "f", value: "FILE",
        help: "read FILE instead of the bundle's config.json",
        completes: .files)
    static let consoleSocket = Option(
        long: "console-socket", value: "SOCKET",
        help: "send the container's terminal to whoever listens there", completes: .files)
    static let pidfdSocket = Option(
        long: "pidfd-socket", value: "SOCKET",
        help: "send a pidfd of the container's process to whoever listens there",
        completes: .files)
    static let pidFile = Option(
        long: "pid-file", value: "FILE", help: "write the process's pid to FILE", completes: .files)
    static let preservedDescriptors = Option(
        long: "preserve-fds", value: "N", help: "pass N descriptors, from 3 on, to the container")
    static let detach = Option(
        long: "detach", short: "d", value: nil, help: "do not wait for the end")

    /// What `create` and `run` take.
    static let creation = [
        bundle, config, consoleSocket, pidfdSocket, pidFile,
        Option(
            long: "no-pivot", value: nil,
            help:
                "accepted for callers that give it; the root is changed by pivot_root all the same"),
        Option(
            long: "no-new-keyring", value: nil, help: "keep the caller's session keyring"),
        preservedDescriptors,
    ]
}

extension Command {
    static let aboutDescriptors =
        "No descriptor of the caller's reaches the program but its standard streams, as many as"
        + " LISTEN_FDS says when LISTEN_PID names this process (sd_listen_fds(3)), and behind these"
        + " as many as --preserve-fds says. One that is not open is an error."

    /// `vfs-run create ID`
    static let create = Command(
        name: "create", summary: "create a container, which waits for its start", operands: "ID",
        details: [
            "Creates everything that config.json of the bundle asks for, up to the point where the"
                + " program would be executed; \"vfs-run start ID\" executes it. Standard input,"
                + " output and error become the program's, unless it has a terminal.",
            aboutDescriptors,
            "With NOTIFY_SOCKET in the environment (sd_notify(3)) the program finds one at"
                + " /run/notify/notify.sock. What it says there until it is ready is passed on by"
                + " start, which waits for that; what it says later is not.",
        ],
        options: Option.creation + [
            Option(
                long: "no-subreaper", value: nil,
                help: "accepted for callers that give it: nothing is adopted in any case")
        ],
        run: { arguments throws(CommandError) in
            try launch(arguments, until: .created)
        })

    /// Who wants to know when the program is ready (sd_notify(3)).
    static var notifySocket: String? {
        CurrentProcess.environment("NOTIFY_SOCKET").flatMap { $0.isEmpty ? nil : $0 }
    }

    /// How many sockets whoever started this process has opened for the program
    /// (sd_listen_fds(3)).
    private static func listeningDescriptors() throws(CommandError) -> Int {
        guard CurrentProcess.environment("LISTEN_PID") == String(CurrentProcess.pid),
            let text = CurrentProcess.environment("LISTEN_FDS")
        else { return 0 }
        guard let number = Int(text), (0...1 << 20).contains(number) else {
            throw CommandError("LISTEN_FDS: \"\(text)\" is not a number of descriptors")
        }
        return number
    }

    static func launch(
        _ arguments: ParsedArguments, until: Accompaniment
    ) throws(CommandError) -> CInt {
        let name = try arguments.requireOperands(1...1)[0]
        do throws(RuntimeError) {
            var container = Configuration.Container(
                id: try ContainerID(name), store: arguments.globals.store,
                waits: until == .created)
            container.isKept = arguments.has("keep")
            container.adoptsOrphans = until == .ended && !arguments.has("no-subreaper")
            container.hasOwnKeyring = !arguments.has("no-new-keyring")
            let plan: Plan
            do throws(CommandError) {
                container.pidFile = try arguments.value("pid-file").map(LoadedConfig.absolute)
                container.pidfdSocket = try arguments.value("pidfd-socket")
                    .map(LoadedConfig.absolute)
                container.consoleSocket = try arguments.value("console-socket")
                    .map(LoadedConfig.absolute)
                container.preservedDescriptors = try arguments.count("preserve-fds") ?? 0
                container.listeningDescriptors = try listeningDescriptors()
                container.notifySocket = notifySocket
                var invocation = Invocation()
                invocation.overlaysByDefault = false
                invocation.hasTerminal = true
                invocation.leavesTerminal = until != .ended
                invocation.container = container
                try invocation.setCaller(arguments.globals)
                invocation.controlGroups =
                    arguments.globals.controlGroupManager == .disabled ? .disabled : .always
                invocation.asksSystemd = arguments.globals.controlGroupManager == .systemd
                let bundle = try LoadedConfig.absolute(arguments.value("bundle") ?? ".")
                plan = try LoadedConfig(
                    bundle: bundle, config: arguments.value("config"), invocation,
                    arguments.globals.log
                ).plan
            } catch {
                throw RuntimeError(error.lines)
            }
            return try Launch(plan, until: until, warn: arguments.globals.log.warning).run()
        } catch {
            throw CommandError(error)
        }
    }
}
