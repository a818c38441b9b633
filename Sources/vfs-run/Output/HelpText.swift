internal import LinuxSystem

/// The output of `help` and `--help`.
enum HelpText {
    static var overview: String {
        let named = Command.named
        func rows(_ isOfContainers: Bool) -> String {
            table(
                named.filter { $0.isOfContainers == isOfContainers }.map { ($0.name, $0.summary) })
        }
        var text = isRunc ? "NAME:\n   runc - Open Container Initiative runtime\n\n" : ""
        text += of(.oneShot, hasName: false)
        text += "\nCommands:\n" + rows(false)
        text += "\nCommands on containers with an id, as in runc:\n" + rows(true)
        text += "\nGlobal options, before the command:\n"
        text += table(GlobalOptions.options.map { (label($0), $0.help) })
        return text
            + "\n\"vfs-run help COMMAND\" describes a command; \"vfs-run doctor\" tests this system.\n"
    }

    /// Under the name of runc the help of each command begins as runc's does.
    static var isRunc: Bool { CommandLineParser.programName == "runc" }

    static func of(_ command: Command, hasName: Bool = true) -> String {
        let name = command.name.isEmpty ? "" : " \(command.name)"
        let operands = command.operands.isEmpty ? "" : " \(command.operands)"
        var text = hasName && isRunc ? "NAME:\n   runc\(name) - \(command.summary)\n\n" : ""
        text += "Usage: vfs-run\(name) [OPTIONS]\(operands)\n\n"
        text += wrap(command.summary.prefix(1).uppercased() + command.summary.dropFirst() + ".")
        for paragraph in command.details { text += "\n" + wrap(paragraph) }
        return text + "\nOptions:\n" + table(command.allOptions.map { (label($0), $0.help) })
    }

    static func label(_ option: Option) -> String {
        let short = option.short.map { "-\($0), " } ?? "    "
        return short + "--" + option.long + option.valueLabel
    }

    /// Columns of a terminal.
    private static let columns = 80
    /// Of the left column of a table; what is wider has a line of its own.
    private static let mostLeft = 30

    private static func table(_ rows: [(String, String)]) -> String {
        let width = min(rows.map(\.0.count).max() ?? 0, mostLeft)
        let indentation = String(repeating: " ", count: width + 4)
        return rows.map { left, right in
            let lines = broken(right, to: columns - 1 - indentation.count)
            let isWide = left.count > width
            let rest = isWide ? lines[...] : lines.dropFirst()
            var text = "  " + left
            if !isWide, let first = lines.first {
                text += String(repeating: " ", count: width - left.count + 2) + first
            }
            return text + "\n" + rest.map { indentation + $0 + "\n" }.joined()
        }.joined()
    }

    private static func wrap(_ paragraph: some StringProtocol) -> String {
        broken(paragraph, to: columns - 2).joined(separator: "\n") + "\n"
    }

    /// Lines of at most that many characters.
    private static func broken(_ paragraph: some StringProtocol, to width: Int) -> [String] {
        var lines = [""]
        for word in paragraph.split(separator: " ") {
            if lines[lines.count - 1].count + word.count >= width { lines.append("") }
            lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
        }
        return lines
    }
}
