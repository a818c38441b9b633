internal import ContainerRuntime
internal import LinuxSystem
internal import OCISpec

/// What stands before the command's name and holds for every command.
struct GlobalOptions: Sendable {
    /// Absolute.
    var root: String
    var rootIsGiven = false
    var log = Log()
    var controlGroupManager = ControlGroupManager.files
    var rootless = RootlessMode.auto

    /// Whether somebody who is not root gets what they can have.
    enum RootlessMode: String, Sendable {
        /// Where the runtime is not root.
        case auto
        /// Also where it is.
        case always = "true"
        /// Then they get an error.
        case never = "false"
    }

    var store: ContainerStore { ContainerStore(root: root) }

    static let table = [
        Option(
            long: "root", value: "DIR",
            help:
                "where the states of containers are kept: /run/vfs-run, or $XDG_RUNTIME_DIR/vfs-run",
            completes: .directories),
        Option(
            long: "log", value: "FILE", help: "write what goes wrong to FILE too",
            completes: .files),
        Option(
            long: "log-format", value: "FORMAT", help: "the form of the log: text or json",
            completes: .words(["text", "json"])),
        Option(
            long: "log-level", value: "LEVEL", help: "debug, warning or error",
            completes: .words(["debug", "warning", "error"])),
        Option(long: "debug", value: nil, help: "log every step"),
        Option(
            long: "systemd-cgroup", value: nil, help: "have systemd make the control groups"),
        Option(
            long: "cgroup-manager", value: "NAME",
            help: "who makes the control groups: cgroupfs, systemd or disabled",
            completes: .words(["cgroupfs", "systemd", "disabled"])),
        Option(
            long: "rootless", value: "MODE",
            help:
                "do without what only root may do: true, false, or auto, where the caller is not root",
            completes: .words(["true", "false", "auto"])),
    ]

    /// Takes the global options off the front of a command line.
    ///
    /// - Returns: They and what is left; an option that is not global is left there.
    static func take(
        from arguments: [String]
    ) throws(CommandError) -> (GlobalOptions, [String]) {
        var globals = GlobalOptions(root: defaultRoot)
        var rest = arguments[...]
        while let word = rest.first, word.hasPrefix("--") {
            // By bytes: characters are looked up in tables.
            let letters = word.utf8
            let start = letters.index(letters.startIndex, offsetBy: 2)
            let equals = letters.firstIndex(of: UInt8(ascii: "="))
            let name = String(word[start..<(equals ?? word.endIndex)])
            guard let option = table.first(where: { $0.long == name }) else { break }
            rest = rest.dropFirst()
            var value = equals.map { String(word[letters.index(after: $0)...]) }
            if option.value != nil && value == nil {
                guard let next = rest.popFirst() else {
                    throw CommandError(
                        "the option \"\(word)\" needs a value; see \"vfs-run --help\"")
                }
                value = next
            }
            try globals.set(option.long, value ?? "true")
        }
        return (globals, Array(rest))
    }

    private mutating func set(_ name: String, _ value: String) throws(CommandError) {
        func isOn() throws(CommandError) -> Bool {
            guard let isOn = Option.isOn(value) else {
                throw CommandError(Option.noSwitch(name, value))
            }
            return isOn
        }
        switch name {
        case "root":
            root = try LoadedConfig.absolute(value)
            rootIsGiven = true
            if PathText.cleaned(root) == "/" {
                throw CommandError("--root may not be /; name a directory of its own")
            }
        case "log": log.path = try GlobalOptions.file(value)
        case "log-format":
            guard let format = Log.Format(rawValue: value) else {
                throw CommandError("invalid log-format: \(value); text and json are known")
            }
            log.format = format
        case "log-level":
            guard let level = Log.Level(rawValue: value) else {
                throw CommandError(
                    "invalid log-level: \(value); debug, warning and error are known")
            }
            log.isVerbose = level == .debug
        case "debug": log.isVerbose = try isOn()
        case "systemd-cgroup":
            if try isOn() { controlGroupManager = .systemd }
        case "cgroup-manager":
            guard let manager = ControlGroupManager(rawValue: value) else {
                throw CommandError(
                    "unknown cgroup manager \"\(value)\"; cgroupfs, systemd and disabled are known")
            }
            controlGroupManager = manager
        case "rootless":
            if let isOn = Option.isOn(value) {
                rootless = isOn ? .always : .never
            } else if value.isEmpty || value.lowercased() == "auto" {
                rootless = .auto
            } else {
                throw CommandError("--rootless: \"\(value)\" is not true, false or auto")
            }
        default: break
        }
    }

    /// Where the log goes, `file:` before it or not; nil for standard error.
    private static func file(_ text: String) throws(CommandError) -> String? {
        for other in ["journald:", "syslog:"] where text.hasPrefix(other) {
            throw CommandError(
                "--log: \"\(text)\" is not a file, and nothing is written to anything else; a file"
                    + " of that name is ./\(text)")
        }
        let path = text.hasPrefix("file:") ? String(text.dropFirst(5)) : text
        return path.isEmpty ? nil : path
    }

    /// As the XDG base directories have it for users.
    private static var defaultRoot: String {
        let user = Credentials.effectiveUser
        // Also for root of a user namespace, as which engines call runtimes: /run is not theirs.
        if let folder = CurrentProcess.environment("XDG_RUNTIME_DIR"), folder.hasPrefix("/"),
            user != 0 || !OwnUserNamespace.isInitial
        {
            return folder + "/vfs-run"
        }
        return user == 0 ? "/run/vfs-run" : "/run/user/\(user)/vfs-run"
    }
}
