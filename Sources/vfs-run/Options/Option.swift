/// An option of a command: a row of its table, and the key by which its value is read.
///
/// Each option is a static member of this type, so that a misspelled key does not compile:
/// `arguments.has(.force)`.
struct Option: Sendable {
    let long: String
    private(set) var short: Character?
    /// The name of the value in help texts; nil for a switch.
    let value: String?
    let help: String
    /// How a shell completes the value.
    let completes: Completion
    /// Whether the value may be left out; then it follows in the same word: `--long=VALUE`.
    private(set) var valueIsOptional = false

    enum Completion: Sendable {
        case nothing, files, directories
        case words([String])
    }

    /// A switch.
    init(_ long: String, short: Character? = nil, _ help: String) {
        (self.long, self.short, self.help) = (long, short, help)
        (value, completes) = (nil, .nothing)
    }

    /// An option with a value.
    init(
        _ long: String, short: Character? = nil, value: String, completes: Completion = .nothing,
        _ help: String
    ) {
        (self.long, self.short, self.help) = (long, short, help)
        (self.value, self.completes) = (value, completes)
    }

    /// An option with a value that may be left out.
    init(_ long: String, short: Character? = nil, optionalValue value: String, _ help: String) {
        self.init(long, short: short, value: value, help)
        valueIsOptional = true
    }

    /// The value in help texts, with what comes before it.
    var valueLabel: String {
        guard let value else { return "" }
        return valueIsOptional ? "[=\(value)]" : " \(value)"
    }

    /// Reads the value of a switch, as in `--detach=false`; nil for any other word.
    static func isOn(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    static func notBoolean(_ name: String, _ text: String) -> String {
        "invalid boolean value \"\(text)\" for --\(name); use true or false"
    }
}

/// Options of more than one command.
extension Option {
    static let help = Option("help", short: "h", "print this help and exit")
    static let version = Option("version", short: "v", "print the version and exit")
    /// The options of every command. A letter that one of the command's own has is not theirs.
    static func common(beside own: [Option]) -> [Option] {
        [help, version].map { option in
            var common = option
            if own.contains(where: { $0.short == option.short }) { common.short = nil }
            return common
        }
    }

    static let json = Option("json", "print JSON")
    static let quiet = Option("quiet", short: "q", "print no progress and no notes")
    static let noSync = Option(
        "no-sync", "do not wait until the output is on disk; for output that can be made again")

    // MARK: Containers with a name

    static let consoleSocket = Option(
        "console-socket", value: "SOCKET", completes: .files,
        "send the container's terminal to this AF_UNIX socket")
    static let pidfdSocket = Option(
        "pidfd-socket", value: "SOCKET", completes: .files,
        "send a pidfd of the container process to this AF_UNIX socket")
    static let pidFile = Option(
        "pid-file", value: "FILE", completes: .files,
        "write the pid of the container process to FILE")
    static let preservedDescriptors = Option(
        "preserve-fds", value: "N", "pass N file descriptors, from 3 on, to the container process")
    static let detach = Option("detach", short: "d", "do not wait for the end of the process")
    static let regex = Option(
        "regex", short: "r",
        "ID is an extended regular expression; the command applies to all matching containers")
    static let format = Option(
        "format", short: "f", value: "FORMAT", completes: .words(["table", "json"]),
        "table or json")

    // MARK: Layers and the upper

    static let upper = Option(
        "upper", value: "DIR", completes: .directories,
        "keep the writable layer in DIR and reuse it in the next run")
    static let layer = Option(
        "layer", value: "DIR", completes: .directories,
        "add a layer on top of the others; may be repeated")
    static let snapshot = Option(
        "snapshot", value: "NAME",
        "before the run, freeze the upper of --upper as the snapshot NAME; see undo")
    static let compare = Option(
        "diff", optionalValue: "FILE",
        "print the changes to the root file system after the run, as the diff command does; or write"
            + " them to FILE, as JSON if it ends in .json")
    static let since = Option(
        "since", value: "NAME", "only changes made after the snapshot NAME; default: all changes")
    static let belowUpper = Option(
        "layer", value: "DIR", completes: .directories,
        "a layer below the upper, bottom first; may be repeated; default: as recorded in DIR")
    static let userAttributes = Option(
        "userxattr", "the upper was mounted with userxattr, where DIR has no record of it")
    static let latestTime = Option(
        "mtime", value: "SECONDS",
        "clamp file times to SECONDS since 1970; default: SOURCE_DATE_EPOCH")
}
