internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension Command {
    /// `vfs-run exec ID COMMAND`
    static let exec = Command(
        name: "exec", summary: "run a program in a container that runs",
        operands: "ID [COMMAND ARGS…]",
        details: [
            "Joins the container's namespaces and control groups and runs COMMAND as the config's"
                + " process would run, with what the options say on top; --process names a file that"
                + " takes its place. Exits with the program's exit code, 128 + N when signal N ended"
                + " it, 255 when it could not be run."
        ],
        options: [
            .consoleSocket, .pidfdSocket,
            Option(
                long: "cwd", value: "DIR", help: "the working directory, in the container"),
            Option(
                long: "env", short: "e", value: "NAME=VALUE",
                help: "one more environment variable; may be repeated"),
            Option(long: "tty", short: "t", value: nil, help: "on a terminal of its own"),
            Option(
                long: "user", short: "u", value: "UID[:GID]", help: "as this user and group"),
            Option(
                long: "additional-gids", short: "g", value: "GID",
                help: "one more group; may be repeated"),
            Option(
                long: "process", short: "p", value: "FILE",
                help: "take the process of the specification from FILE", completes: .files),
            .detach, .pidFile,
            Option(long: "process-label", value: "LABEL", help: "the SELinux label"),
            Option(long: "apparmor", value: "PROFILE", help: "the AppArmor profile"),
            Option(
                long: "no-new-privs", value: nil, help: "gain no privilege by any program"),
            Option(
                long: "cap", short: "c", value: "CAPABILITY",
                help: "one more capability; may be repeated"),
            .preservedDescriptors,
            Option(
                long: "cgroup", value: "PATH",
                help: "in this control group below the container's; may be repeated"),
            Option(
                long: "ignore-paused", value: nil,
                help: "also in a paused container, where it waits"),
        ],
        endsWithOtherCommand: true,
        failureCode: 255,
        run: { arguments throws(CommandError) in
            guard arguments.operands.count > 0 else {
                _ = try arguments.requireOperands(1...Int.max)
                return 255
            }
            do throws(RuntimeError) {
                return try execute(arguments)
            } catch {
                throw CommandError(error)
            }
        })

    private static func execute(_ arguments: ParsedArguments) throws(RuntimeError) -> CInt {
        let container = try arguments.container()
        let detaches = arguments.has("detach")
        var joining = Joining(
            try container.joined(ignoringPause: arguments.has("ignore-paused")))
        let file = arguments.value("process")
        let plan: Plan
        do throws(CommandError) {
            joining.container.pidFile = try arguments.value("pid-file").map(LoadedConfig.absolute)
            joining.container.pidfdSocket = try arguments.value("pidfd-socket")
                .map(LoadedConfig.absolute)
            joining.container.consoleSocket = try arguments.value("console-socket")
                .map(LoadedConfig.absolute)
            joining.container.preservedDescriptors = try arguments.count("preserve-fds") ?? 0
            for place in arguments.values("cgroup") {
                joining.container.innerControlGroups.append(try controlGroup(place))
            }
            if file == nil { try read(arguments, into: &joining) }
            var invocation = Invocation()
            invocation.overlaysByDefault = false
            invocation.hasTerminal = true
            invocation.leavesTerminal = detaches
            invocation.joining = joining
            try invocation.setCaller(arguments.globals)
            plan = try LoadedConfig(
                joining: container, bundle: joining.container.bundle, process: file, invocation,
                arguments.globals.log
            ).plan
        } catch {
            throw RuntimeError(error.lines)
        }
        return try Launch(plan, until: detaches ? .started : .ended).run()
    }

    /// `PATH`, or `CONTROLLER[,CONTROLLER]:PATH`.
    private static func controlGroup(
        _ text: String
    ) throws(CommandError) -> Configuration.JoinedContainer.InnerControlGroup {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let path = String(parts[parts.count - 1])
        if path.split(separator: "/").contains("..") {
            throw CommandError("bad sub cgroup path: \(path)")
        }
        let controllers = parts.count > 1 ? parts[0].split(separator: ",").map(String.init) : []
        return .init(controllers: controllers, path: path)
    }

    /// What the options say; with `--process` they say nothing.
    private static func read(
        _ arguments: ParsedArguments, into joining: inout Joining
    ) throws(CommandError) {
        let words = Array(arguments.operands.dropFirst())
        if words.isEmpty { throw CommandError("exec args cannot be empty; name a program") }
        joining.arguments = words
        joining.hasTerminal = arguments.has("tty")
        joining.workingDirectory = arguments.value("cwd")
        if let cwd = joining.workingDirectory, !cwd.hasPrefix("/") {
            throw CommandError("--cwd: \"\(cwd)\" is not an absolute path")
        }
        joining.environment = arguments.values("env")
        for entry in joining.environment {
            guard let equals = entry.firstIndex(of: "="), equals != entry.startIndex else {
                throw CommandError("--env: \"\(entry)\" is not of the form NAME=value")
            }
        }
        if let user = arguments.value("user") {
            do throws(RuntimeError) {
                let user = try UserArgument(user)
                joining.userID = user.userID
                joining.groupID = user.groupID
            } catch {
                throw CommandError(error)
            }
        }
        for group in arguments.values("additional-gids") {
            joining.additionalGroupIDs.append(try id(group, "gid"))
        }
        joining.forbidsNewPrivileges = arguments.isOn("no-new-privs")
        joining.appArmorProfile = arguments.value("apparmor")
        joining.label = arguments.value("process-label")
        for name in arguments.values("cap") {
            guard let capability = CapabilitySet(name: name) else {
                arguments.globals.log.warning(
                    "--cap: \"\(name)\" is not a capability of this kernel; it is left out")
                continue
            }
            joining.capabilities.formUnion(capability)
        }
    }

    private static func id(_ text: String, _ kind: String) throws(CommandError) -> UInt32 {
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isNumber, let id = UInt32(text), id != .max else {
            throw CommandError("bad \(kind): \"\(text)\"; a number from 0 to \(UInt32.max - 1)")
        }
        return id
    }
}
