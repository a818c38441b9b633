internal import LinuxSystem
internal import OCISpec

/// A command line, read by the command's table of options.
struct ParsedArguments {
    let command: Command
    private let found: [(name: String, value: String?)]
    let operands: [String]

    init(_ arguments: [String], of command: Command) throws(CommandError) {
        self.command = command
        let options = command.options + Option.common
        let forms = options.map {
            CommandLineParser.Form(long: $0.long, short: $0.short, takesValue: $0.value != nil)
        }
        do {
            let result = try CommandLineParser.parse(arguments, forms)
            found = result.options.map { (options[$0.form].long, $0.value) }
            operands = result.operands
        } catch {
            throw CommandError(ParsedArguments.sentence(error, command, options))
        }
    }

    func has(_ name: String) -> Bool { found.contains { $0.name == name } }

    /// The value given last.
    func value(_ name: String) -> String? { found.last { $0.name == name }?.value }

    func values(_ name: String) -> [String] {
        found.filter { $0.name == name }.compactMap(\.value)
    }

    private static func sentence(
        _ failure: CommandLineParser.Failure, _ command: Command, _ options: [Option]
    ) -> String {
        let help = command.name.isEmpty ? "vfs-run --help" : "vfs-run help \(command.name)"
        switch failure {
        case .unknownOption(let word):
            let name = String(word.drop { $0 == "-" }.prefix { $0 != "=" })
            let near = nearestName(to: name, in: options.map(\.long))
            let guess = near.map { "; did you mean --\($0)?" } ?? "; see \"\(help)\""
            return "unknown or ambiguous option \"\(word)\"" + guess
        case .missingValue(let word):
            return "the option \"\(word)\" needs a value; see \"\(help)\""
        }
    }
}
