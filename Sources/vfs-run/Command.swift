internal import LinuxSystem

/// A command: its words for help, man page and completions, its options, and what it does.
struct Command: Sendable {
    /// Empty for the one-shot form, which has no name of its own.
    var name: String
    var summary: String
    /// What follows the options: `CONFIG.json [-- ARGS…]`.
    var operands: String
    /// Paragraphs for `help COMMAND` and the man page.
    var details: [String]
    var options: [Option]
    /// Whether the first operand ends its options: what follows may be another program's.
    var endsWithOtherCommand = false
    /// What it exits with when it fails.
    var failureCode: CInt = 1
    /// What it does.
    var run: @Sendable (ParsedArguments) throws(CommandError) -> CInt

    /// Every command; the first is the one-shot form. For texts alone: whoever runs one asks for it
    /// by its name, and so makes no table of options but its own.
    static var all: [Command] { [.oneShot] + CommandName.allCases.map(\.command) }

    /// One of its options, or of those that every command has.
    func option(_ name: String) -> Option? {
        options.first { $0.long == name } ?? Option.common.first { $0.long == name }
    }

    /// The command that a command line asks for, and the arguments that are left.
    ///
    /// A first argument that holds a `/` or ends in `.json` is a config; so is one that starts with
    /// `-`, an option of the one-shot form. Anything else is a command's name.
    static func choose(_ arguments: [String]) -> (Command, [String]) {
        guard let first = arguments.first else { return (.help, []) }
        if let name = CommandName(rawValue: first) {
            return (name.command, Array(arguments.dropFirst()))
        }
        if first.hasPrefix("-") || first.contains("/") || first.hasSuffix(".json") {
            return (.oneShot, arguments)
        }
        return (.unknown(first), [])
    }
}

/// The commands that have a name, in the order of the overview.
enum CommandName: String, CaseIterable {
    case create, start, state, list, kill, delete, run, exec, ps, pause, resume, update, events
    case diff, commit, export, undo, unpack, pack
    case plan, lint, doctor, spec, features, help

    var command: Command {
        switch self {
        case .create: .create
        case .start: .start
        case .state: .state
        case .list: .list
        case .kill: .kill
        case .delete: .delete
        case .run: .run
        case .exec: .exec
        case .ps: .ps
        case .pause: .pause
        case .resume: .resume
        case .update: .update
        case .events: .events
        case .diff: .diff
        case .commit: .commit
        case .export: .export
        case .undo: .undo
        case .unpack: .unpack
        case .pack: .pack
        case .plan: .plan
        case .lint: .lint
        case .doctor: .doctor
        case .spec: .spec
        case .features: .features
        case .help: .help
        }
    }
}

/// An option of a command.
struct Option: Sendable {
    var long: String
    var short: Character?
    /// The value's name in help texts, nil for a switch.
    var value: String?
    var help: String
    /// What the shell can complete the value with.
    var completes: Completion = .nothing

    enum Completion: Sendable {
        case nothing, files, directories
        case words([String])
    }

    /// What stands behind a switch: `--detach=false`. Nil for what is neither.
    static func isOn(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    static func noSwitch(_ name: String, _ text: String) -> String {
        "invalid boolean value \"\(text)\" for --\(name); true and false are known"
    }

    /// Every command has these.
    static let common = [
        Option(long: "help", short: "h", value: nil, help: "print this help and exit"),
        Option(long: "version", short: "v", value: nil, help: "print the version and exit"),
    ]
}
