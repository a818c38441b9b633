internal import LinuxSystem
internal import OCISpec

extension Command {
    /// `vfs-run help [COMMAND]`
    static let help = Command(
        name: "help", summary: "explain a command", operands: "[COMMAND]",
        details: [
            "Without COMMAND, lists the commands. --man prints the man page, --completion the"
                + " completions of a shell; all come from the tables of options that the commands"
                + " are parsed by."
        ],
        options: [
            Option(long: "man", value: nil, help: "print the man page (roff)"),
            Option(
                long: "completion", value: "SHELL", help: "print completions for bash, zsh or fish",
                completes: .words(["bash", "zsh", "fish"])),
        ],
        run: { arguments throws(CommandError) in
            if arguments.has("man") {
                try Output.write(ManPage.text)
                return 0
            }
            if let shell = arguments.value("completion") {
                guard let text = Completions.text(shell) else {
                    throw CommandError("no completions for \"\(shell)\"; bash, zsh and fish have")
                }
                try Output.write(text)
                return 0
            }
            guard let name = arguments.operands.first else {
                try Output.write(HelpText.overview)
                return 0
            }
            guard let command = CommandName(rawValue: name)?.command else {
                throw CommandError(unknownSentence(name))
            }
            try Output.write(HelpText.of(command))
            return 0
        })

    /// What runc has and this program has not: what is wrong is not the name.
    static func isRefused(_ name: String) -> Bool { name == "checkpoint" || name == "restore" }

    static func unknownSentence(_ name: String) -> String {
        if isRefused(name) {
            return "\(name): vfs-run makes no checkpoints of containers and restores none; features"
                + " says so to engines (org.opencontainers.runc.checkpoint.enabled)"
        }
        for path in [name, name + "/config.json"] {
            guard let status = try? FileStatus.of(path: path), status.kind == .regular else {
                continue
            }
            return "\"\(name)\" is no command; did you mean \"vfs-run ./\(path)\"?"
        }
        let near = nearestName(to: name, in: all.map(\.name).filter { !$0.isEmpty })
        let guess = near.map { "did you mean \"\($0)\"?" } ?? "see \"vfs-run help\""
        return "\"\(name)\" is no command, and no config either: that would hold a \"/\" or end in"
            + " \".json\"; \(guess)"
    }
}
