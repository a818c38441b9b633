internal import LinuxSystem
internal import OCISpec

/// A command line, read by the command's table of options.
struct ParsedArguments {
    let command: Command
    let globals: GlobalOptions
    /// Switches with a value too, where one was given behind `=`.
    private let found: [(name: String, value: String?)]
    let operands: [String]

    init(
        _ arguments: [String], of command: Command, globals: GlobalOptions
    ) throws(CommandError) {
        self.command = command
        self.globals = globals
        let options = command.options + Option.common
        let forms = options.map {
            CommandLineParser.Form(long: $0.long, short: $0.short, takesValue: $0.value != nil)
        }
        do {
            let result = try CommandLineParser.parse(
                arguments, forms, inOrder: command.endsWithOtherCommand)
            found = result.options.map { (options[$0.form].long, $0.value) }
            operands = result.operands
        } catch {
            throw CommandError(ParsedArguments.sentence(error, command, options))
        }
        for given in found {
            guard let text = given.value, command.option(given.name)?.value == nil else { continue }
            if Option.isOn(text) == nil { throw CommandError(Option.noSwitch(given.name, text)) }
        }
        try refuseAnswerInPlaceOfRun()
    }

    /// An option that only prints, among what was meant to do something: `docker run -v /a:/b …`
    /// typed here would print the version and exit with 0, as a program that has run.
    private func refuseAnswerInPlaceOfRun() throws(CommandError) {
        if has("version"), let operand = operands.first {
            throw CommandError(
                "-v and --version print the version of vfs-run and take nothing else, but"
                    + " \"\(operand)\" follows; a directory of the host comes in through"
                    + " \"mounts\" of config.json, and an option of the program stands behind"
                    + " CONFIG.json")
        }
        // Every command answers -h, whatever follows; in the one-shot form a name of a host does.
        if command.name.isEmpty, has("help"), let operand = operands.first {
            throw CommandError(
                "-h and --help print the help of vfs-run and take nothing else, but"
                    + " \"\(operand)\" follows; the container's host name is \"hostname\""
                    + " of config.json, and an option of the program stands behind CONFIG.json")
        }
    }

    /// What follows CONFIG.json, for its program. The first `--` behind it only says so.
    func programWords() throws(CommandError) -> [String] {
        let words = operands.dropFirst()
        guard let first = words.first, first.hasPrefix("-") else { return Array(words) }
        if first == "--" { return Array(words.dropFirst()) }
        let name = operands[0]
        throw CommandError(
            "\"\(first)\" follows \(name), where the program's name is expected; options of vfs-run"
                + " stand before \(name), and a program of that name behind --")
    }

    func has(_ name: String) -> Bool { isOn(name) ?? false }

    /// Whether a switch is on, as it was given last, or an option is given; nil when it is not.
    func isOn(_ name: String) -> Bool? {
        guard let last = found.last(where: { $0.name == name }) else { return nil }
        if command.option(name)?.value != nil { return true }
        return last.value.flatMap(Option.isOn) ?? true
    }

    /// The value given last.
    func value(_ name: String) -> String? { found.last { $0.name == name }?.value }

    func values(_ name: String) -> [String] {
        found.filter { $0.name == name }.compactMap(\.value)
    }

    /// A number that an option gives, from 0 on; nil where it is not given.
    func count(_ name: String) throws(CommandError) -> Int? {
        guard let text = value(name) else { return nil }
        guard let number = Int(text), (0...1 << 20).contains(number) else {
            throw CommandError("--\(name): \"\(text)\" is not a number of descriptors")
        }
        return number
    }

    /// The operands, of which there must be as many as are wanted.
    func requireOperands(_ wanted: ClosedRange<Int>) throws(CommandError) -> [String] {
        if wanted.contains(operands.count) { return operands }
        let bound =
            wanted.lowerBound == wanted.upperBound
            ? "exactly \(wanted.lowerBound)"
            : operands.count < wanted.lowerBound
                ? "a minimum of \(wanted.lowerBound)" : "a maximum of \(wanted.upperBound)"
        let operandNames = command.operands.isEmpty ? "" : " " + command.operands
        let usage = "vfs-run \(command.name) [OPTIONS]\(operandNames)"
        throw CommandError(
            "\"\(command.name)\" requires \(bound) argument(s), not \(operands.count): \(usage)")
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
