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
