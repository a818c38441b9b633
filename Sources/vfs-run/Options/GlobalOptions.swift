internal import ContainerRuntime
internal import LinuxSystem
internal import OCISpec

/// The options before the name of the command, which every command has.
struct GlobalOptions: Sendable {
    /// The directory of the container states; absolute.
    var root: String
    var rootIsGiven = false
    var log = Log()
    var controlGroupManager = ControlGroupManager.files
    var rootless = RootlessMode.auto

    /// Whether containers are rootless.
    enum RootlessMode: Sendable {
        /// Where the runtime process is not root.
        case auto
        case always
        /// Never: without root privileges a start is an error.
        case never
    }

    var store: ContainerStore { ContainerStore(root: root) }

    /// An option, and its effect.
    private struct Row: Sendable {
        let option: Option
        let set: @Sendable (inout GlobalOptions, String) throws(Failure) -> Void
    }

    /// For help texts.
    static var options: [Option] { table.map(\.option) }

    private static let table: [Row] = [
        Row(
            option: Option(
                "root", value: "DIR", completes: .directories,
                "the directory of container states; default: /run/vfs-run, or"
                    + " $XDG_RUNTIME_DIR/vfs-run"),
            set: { globals, value throws(Failure) in
                globals.root = try LoadedConfig.absolute(value)
                globals.rootIsGiven = true
                if PathText.cleaned(globals.root) == "/" {
                    throw Failure("--root may not be /; use a separate directory")
                }
            }),
        Row(
            option: Option("log", value: "FILE", completes: .files, "also write messages to FILE"),
            set: { globals, value throws(Failure) in globals.log.path = try file(value) }),
        Row(
            option: Option(
                "log-format", value: "FORMAT", completes: .words(["text", "json"]),
                "the format of the log: text or json"),
            set: { globals, value throws(Failure) in
                guard let format = Log.Format(rawValue: value) else {
                    throw Failure("invalid log-format: \(value); use text or json")
                }
                globals.log.format = format
            }),
        Row(
            option: Option(
                "log-level", value: "LEVEL", completes: .words(["debug", "warning", "error"]),
                "debug, warning or error"),
            set: { globals, value throws(Failure) in
                guard let level = Log.Level(rawValue: value) else {
                    throw Failure("invalid log-level: \(value); use debug, warning or error")
                }
                globals.log.isVerbose = level == .debug
            }),
        Row(
            option: Option("debug", "log every step"),
            set: { globals, value throws(Failure) in
                globals.log.isVerbose = try isOn("debug", value)
            }),
        Row(
            option: Option("systemd-cgroup", "create control groups with systemd"),
            set: { globals, value throws(Failure) in
                if try isOn("systemd-cgroup", value) { globals.controlGroupManager = .systemd }
            }),
        Row(
            option: Option(
                "cgroup-manager", value: "NAME",
                completes: .words(["cgroupfs", "systemd", "disabled"]),
                "the manager of control groups: cgroupfs, systemd or disabled"),
            set: { globals, value throws(Failure) in
                guard let manager = ControlGroupManager(rawValue: value) else {
                    throw Failure(
                        "unknown cgroup manager \"\(value)\"; use cgroupfs, systemd or disabled")
                }
                globals.controlGroupManager = manager
            }),
        Row(
            option: Option(
                "rootless", value: "MODE", completes: .words(["true", "false", "auto"]),
                "run without root privileges: true, false, or auto (if the caller is not root)"),
            set: { globals, value throws(Failure) in
                if let isOn = Option.isOn(value) {
                    globals.rootless = isOn ? .always : .never
                } else if value.isEmpty || value.lowercased() == "auto" {
                    globals.rootless = .auto
                } else {
                    throw Failure("--rootless: \"\(value)\" is not true, false or auto")
                }
            }),
    ]

    /// Takes the global options off the front of a command line.
    ///
    /// - Returns: The options, and the remaining arguments: from the first that is no global
    ///   option.
    static func take(
        from arguments: [String]
    ) throws(Failure) -> (GlobalOptions, [String]) {
        var globals = GlobalOptions(root: defaultRoot)
        var rest = arguments[...]
        while let word = rest.first, word.hasPrefix("--") {
            // By bytes: characters are looked up in tables.
            let letters = word.utf8
            let start = letters.index(letters.startIndex, offsetBy: 2)
            let equals = letters.firstIndex(of: UInt8(ascii: "="))
            let name = String(word[start..<(equals ?? word.endIndex)])
            guard let row = table.first(where: { $0.option.long == name }) else { break }
            rest = rest.dropFirst()
            var value = equals.map { String(word[letters.index(after: $0)...]) }
            if row.option.value != nil && value == nil {
                guard let next = rest.popFirst() else {
                    throw Failure(
                        "the option \"\(word)\" needs a value; see \"vfs-run --help\"")
                }
                value = next
            }
            try row.set(&globals, value ?? "true")
        }
        return (globals, Array(rest))
    }

    private static func isOn(_ name: String, _ value: String) throws(Failure) -> Bool {
        if let isOn = Option.isOn(value) { return isOn }
        throw Failure(Option.notBoolean(name, value))
    }

    /// The path of the log, with or without `file:`; nil for standard error.
    private static func file(_ text: String) throws(Failure) -> String? {
        for other in ["journald:", "syslog:"] where text.hasPrefix(other) {
            throw Failure(
                "--log: \"\(text)\" is not a file, and no other log is supported; use ./\(text)"
                    + " for a file of that name")
        }
        let path = text.hasPrefix("file:") ? String(text.dropFirst(5)) : text
        return path.isEmpty ? nil : path
    }

    /// By the XDG base directory specification.
    static var defaultRoot: String {
        let user = Credentials.effectiveUser
        // Also for root of a user namespace, where engines run runtimes: /run is not writable.
        if let folder = CurrentProcess.environment("XDG_RUNTIME_DIR"), folder.hasPrefix("/"),
            user != 0 || !OwnUserNamespace.isInitial
        {
            return folder + "/vfs-run"
        }
        return user == 0 ? "/run/vfs-run" : "/run/user/\(user)/vfs-run"
    }
}
