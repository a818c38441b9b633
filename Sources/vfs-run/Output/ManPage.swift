/// The man page, from the tables of options.
enum ManPage {
    static var text: String {
        var page =
            ".TH VFS-RUN 8 \(VFSRun.date) \"vfs-run \(VFSRun.version)\" \"System Administration\"\n"
        page += ".SH NAME\nvfs-run \\- \(escape(Command.oneShot.summary))\n.SH SYNOPSIS\n"
        for command in Command.all {
            let name = command.name.isEmpty ? "" : " \(command.name)"
            page += name.isEmpty ? "" : ".br\n"
            page += ".B vfs-run\(name)\n[OPTIONS] \(escape(command.operands))\n"
        }
        page += ".SH DESCRIPTION\n"
        page += Command.oneShot.details.map { escape($0) + "\n" }.joined(separator: ".PP\n")
        page += options(Command.oneShot.allOptions)
        page += ".SS Global options\n" + options(GlobalOptions.options)
        page += ".SH COMMANDS\n"
        for command in Command.named {
            page += ".SS \(command.name)\n"
            page += escape(command.summary.prefix(1).uppercased() + command.summary.dropFirst())
            page += ".\n"
            for paragraph in command.details { page += ".PP\n\(escape(paragraph))\n" }
            page += options(command.options)
        }
        page += ".SH FILES\n.TP\n.I /var/cache/vfs-run/seccomp\n"
        page += "Compiled seccomp filters; can be removed at any time.\n"
        page += ".SH SEE ALSO\n.BR runc (8),\n.BR crun (1),\n.BR namespaces (7)\n"
        return page
    }

    private static func options(_ options: [Option]) -> String {
        options.map { option in
            let short = option.short.map { "\\-\($0), " } ?? ""
            let value = option.valueLabel
            let long = option.long.map { $0 == "-" ? "\\-" : String($0) }.joined()
            return ".TP\n.B \(short)\\-\\-\(long)\(value)\n\(escape(option.help))\n"
        }.joined()
    }

    /// Escapes text for roff: no line may start with a control character.
    private static func escape(_ text: some StringProtocol) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "\\": escaped += "\\e"
            case "-": escaped += "\\-"
            case "…": escaped += "..."
            default: escaped.append(character)
            }
        }
        return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
    }
}
