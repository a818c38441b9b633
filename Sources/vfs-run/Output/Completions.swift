/// Completions for shells, from the tables of options and operands.
enum Completions {
    /// nil for an unknown shell.
    static func text(_ shell: String) -> String? {
        switch shell {
        case "bash": bash
        case "zsh": zsh
        case "fish": fish
        default: nil
        }
    }

    static let named = Command.named

    static var names: String { named.map(\.name).joined(separator: " ") }

    static func words(_ options: [Option]) -> String {
        options.map { "--" + $0.long }.joined(separator: " ")
    }

    /// What an operand is completed by.
    enum Operand: Hashable {
        case containers, sandboxes, files, commands, signals, nothing
    }

    static let signals = "HUP INT QUIT ABRT KILL USR1 USR2 PIPE ALRM TERM CONT STOP TSTP WINCH"

    /// The kinds of the operands of a command, in their order; what follows are files.
    static func operands(_ command: Command) -> [Set<Operand>] {
        command.operands.split(separator: " ").filter { !$0.hasPrefix("[[") }.map { word in
            let names = word.filter { $0 != "[" && $0 != "]" && $0 != "…" }
            var kinds: Set<Operand> = []
            for name in names.split(separator: "|") {
                switch name {
                // A new one has no name that could be completed.
                case "ID": kinds.insert(isNew(command) ? .nothing : .containers)
                case "NAME": kinds.insert(command.name == "undo" ? .nothing : .sandboxes)
                case "SIGNAL": kinds.insert(.signals)
                case "COMMAND": kinds.insert(command.name == "help" ? .commands : .files)
                case "FACT=VALUE", "PS-OPTIONS", "PID": kinds.insert(.nothing)
                default: kinds.insert(.files)
                }
            }
            if kinds.count > 1 { kinds.remove(.nothing) }
            return kinds
        }
    }

    private static func isNew(_ command: Command) -> Bool {
        command.name == "create" || command.name == "run"
    }
}
