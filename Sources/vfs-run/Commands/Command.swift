internal import LinuxSystem

/// A command: its texts for help, man page and completions, its options, and its function.
struct Command: Sendable {
    /// Empty for the one-shot form, which has no name.
    var name: String
    var summary: String
    /// The operands as the usage line shows them: `CONFIG.json [-- ARGS…]`.
    var operands = ""
    /// Paragraphs for `help COMMAND` and the man page.
    var details: [String] = []
    var options: [Option] = []
    /// Whether it acts on containers with a name, as the commands of runc do.
    var isOfContainers = false
    /// Whether the first operand ends the options: the words after it belong to another program.
    var endsWithOtherCommand = false
    /// Whether there is no command of that name.
    var isUnknown = false
    /// The exit code of a failure.
    var failureCode: CInt = 1
    var run: @Sendable (ParsedArguments) throws(Failure) -> CInt

    var allOptions: [Option] { options + Option.common(beside: options) }

    /// The allowed number of operands, by their names: those in brackets may be left out.
    var operandCount: ClosedRange<Int> {
        let words = operands.split(separator: " ")
        let least = words.prefix { !$0.hasPrefix("[") }.count
        return least...(operands.hasSuffix("…]") ? .max : words.count)
    }

    /// Every command; the first is the one-shot form. For help texts: a command line makes the
    /// options of its own command only.
    static var all: [Command] { [.oneShot] + named }

    static var named: [Command] { CommandName.allCases.map(\.command) }

    /// The command of a command line, and the remaining arguments.
    ///
    /// A first argument that contains a `/` or ends in `.json` is a config, and one that starts
    /// with `-` is an option of the one-shot form. Any other is the name of a command.
    static func choose(_ arguments: [String]) -> (Command, [String]) {
        guard let first = arguments.first else { return (.help, []) }
        if let name = CommandName(rawValue: first) {
            return (name.command, Array(arguments.dropFirst()))
        }
        if first.hasPrefix("-") || first.contains("/") || first.hasSuffix(".json") {
            return (.oneShot, arguments)
        }
        // Its own options are as unknown, but the help is asked for in one way.
        return (.unknown(first), arguments.dropFirst().filter { $0 == "-h" || $0 == "--help" })
    }
}
