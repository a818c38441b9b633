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

    /// Every command; the first is the one-shot form.
    static let all: [Command] = [
        .oneShot, .create, .start, .state, .list, .kill, .delete, .run, .exec, .ps, .pause, .resume,
        .update, .events, .plan, .spec, .features, .help,
    ]

    /// The command that a command line asks for, and the arguments that are left.
    ///
    /// A first argument that holds a `/` or ends in `.json` is a config; so is one that starts with
    /// `-`, an option of the one-shot form. Anything else is a command's name.
    static func choose(_ arguments: [String]) -> (Command, [String]) {
        guard let first = arguments.first else { return (.help, []) }
        if let command = all.first(where: { !$0.name.isEmpty && $0.name == first }) {
            return (command, Array(arguments.dropFirst()))
        }
        if first.hasPrefix("-") || first.contains("/") || first.hasSuffix(".json") {
            return (.oneShot, arguments)
        }
        return (.unknown(first), [])
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

    /// Every command has these.
    static let common = [
        Option(long: "help", short: "h", value: nil, help: "print this help and exit"),
        Option(long: "version", short: "v", value: nil, help: "print the version and exit"),
    ]
}
