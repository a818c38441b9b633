internal import LinuxSystem
internal import OCISpec

/// A command line, read by the command's table of options.
struct ParsedArguments {
    let command: Command
    let globals: GlobalOptions
    /// In the order of the command line; a switch has a value where one follows `=`.
    private let found: [(option: Option, value: String?)]
    let operands: [String]

    init(
        _ arguments: [String], of command: Command, globals: GlobalOptions
    ) throws(Failure) {
        self.command = command
        self.globals = globals
        let options = command.allOptions
        let forms = options.map {
            CommandLineParser.Form(
                long: $0.long, short: $0.short,
                takesValue: $0.value != nil && !$0.valueIsOptional,
                mayTakeValue: $0.valueIsOptional)
        }
        // containerd writes it so, and runc takes it.
        let takesIt = options.contains { $0.long == Option.noSubreaper.long }
        let words = arguments.map { takesIt && $0 == "-no-subreaper" ? "-" + $0 : $0 }
        do {
            let result = try CommandLineParser.parse(
                words, forms, inOrder: command.endsWithOtherCommand)
            found = result.options.map { (options[$0.form], $0.value) }
            operands = result.operands
        } catch {
            throw Failure(ParsedArguments.sentence(error, command, options))
        }
        for (option, text) in found where option.value == nil {
            guard let text, Option.isOn(text) == nil else { continue }
            throw Failure(Option.notBoolean(option.long, text))
        }
        try refuseAnswerInPlaceOfRun()
    }

    /// Refuses an option that only prints, given together with operands: `docker run -v /a:/b …`
    /// typed here would print the version and exit with 0, as a program that has run.
    private func refuseAnswerInPlaceOfRun() throws(Failure) {
        if has(.version), let operand = operands.first {
            throw Failure(
                "-v and --version print the version of vfs-run and take no operand, but"
                    + " \"\(operand)\" follows; use \"mounts\" in config.json for a directory of the"
                    + " host, and put options of the program after CONFIG.json")
        }
        // Every named command answers -h with its help. For the one-shot form -h may be meant as
        // the host name.
        if command.name.isEmpty, has(.help), let operand = operands.first {
            throw Failure(
                "-h and --help print the help of vfs-run and take no operand, but"
                    + " \"\(operand)\" follows; use \"hostname\" in config.json for the host name,"
                    + " and put options of the program after CONFIG.json")
        }
    }

    /// The words after CONFIG.json, which are its program's. A leading `--` is dropped.
    func programWords() throws(Failure) -> [String] {
        let words = operands.dropFirst()
        guard let first = words.first, first.hasPrefix("-") else { return Array(words) }
        if first == "--" { return Array(words.dropFirst()) }
        let name = operands[0]
        throw Failure(
            "\"\(first)\" follows \(name), where the name of a program is expected; put options of"
                + " vfs-run before \(name), and a program whose name begins with - after --")
    }

    /// Whether the command has the option.
    func takes(_ option: Option) -> Bool {
        command.options.contains { $0.long == option.long }
    }

    /// Whether the switch is on, or the option has a value.
    func has(_ option: Option) -> Bool { isOn(option) ?? false }

    /// As `has`, but nil where the option is not given. The last occurrence counts.
    func isOn(_ option: Option) -> Bool? {
        guard let last = found.last(where: { $0.option.long == option.long }) else { return nil }
        if option.value != nil { return true }
        return last.value.flatMap(Option.isOn) ?? true
    }

    /// The value that is given last.
    func value(_ option: Option) -> String? {
        assert(option.value != nil, "--\(option.long) is a switch")
        return found.last { $0.option.long == option.long }?.value
    }

    /// All values, in their order.
    func values(_ option: Option) -> [String] {
        assert(option.value != nil, "--\(option.long) is a switch")
        return found.filter { $0.option.long == option.long }.compactMap(\.value)
    }

    /// The path that is given last, made absolute.
    func path(_ option: Option) throws(Failure) -> String? {
        guard let text = value(option) else { return nil }
        if text.isEmpty {
            throw Failure("--\(option.long): the name is empty; is a variable unset?")
        }
        return try LoadedConfig.absolute(text)
    }

    /// A number of file descriptors; nil where the option is not given.
    func count(_ option: Option) throws(Failure) -> Int? {
        guard let text = value(option) else { return nil }
        guard let number = Int(text), (0...1 << 20).contains(number) else {
            throw Failure(
                "--\(option.long): \"\(text)\" is not a number of file descriptors; use 0 to"
                    + " \(1 << 20)")
        }
        return number
    }

    /// Checks the number of operands of a command with a name.
    func checkOperands() throws(Failure) {
        let wanted = command.operandCount
        if command.name.isEmpty || wanted.contains(operands.count) { return }
        if operands.isEmpty && command.endsWithOtherCommand && !command.isOfContainers {
            throw Failure("name a command; see \"vfs-run help \(command.name)\"")
        }
        let bound =
            wanted.lowerBound == wanted.upperBound
            ? "exactly \(wanted.lowerBound)"
            : operands.count < wanted.lowerBound
                ? "a minimum of \(wanted.lowerBound)" : "a maximum of \(wanted.upperBound)"
        let names = command.operands.isEmpty ? "" : " " + command.operands
        throw Failure(
            "\"\(command.name)\" requires \(bound) argument(s), not \(operands.count):"
                + " vfs-run \(command.name) [OPTIONS]\(names)")
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
            // podman looks for runc's words, and restores into pods where it finds them.
            if command.name == CommandName.restore.rawValue {
                return "flag needs an argument: \(word); see \"\(help)\""
            }
            return "the option \"\(word)\" needs a value; see \"\(help)\""
        }
    }
}
