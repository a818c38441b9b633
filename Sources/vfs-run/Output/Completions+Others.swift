extension Completions {
    private static let containers = "vfs-run list -q 2>/dev/null"
    private static let sandboxes = "vfs-run list --sandboxes -q 2>/dev/null"

    static var zsh: String {
        var text = """
            #compdef vfs-run
            _vfs_run_containers() { compadd -- ${(f)"$(\(containers))"} }
            _vfs_run_sandboxes() { compadd -- ${(f)"$(\(sandboxes))"} }
            _vfs_run_signals() { compadd -- \(signals) }
            _vfs_run_commands() { compadd -- \(names) }
            _vfs_run() {
                local -a commands
                commands=(

            """
        for command in named {
            let summary = command.summary.split(separator: "'").joined(separator: "’")
            text += "        '\(command.name):\(summary)'\n"
        }
        text += "    )\n    case $words[2] in\n"
        for command in named {
            var operands = ""
            for (place, kinds) in self.operands(command).enumerated() where kinds != [.files] {
                operands += "'\(place + 2):\(name(kinds)):\(action(kinds))' "
            }
            text += "    \(command.name)) _arguments '1:command:' \(operands)"
            text += specs(command.allOptions) + " ;;\n"
        }
        let first = specs(Command.oneShot.allOptions + GlobalOptions.options)
        text += "    *) _arguments '1:config or command:{_describe command commands; _files}'"
        text += " \(first) ;;\n    esac\n}\n_vfs_run \"$@\"\n"
        return text
    }

    private static func name(_ kinds: Set<Operand>) -> String {
        kinds.contains(.containers)
            ? "container" : kinds.contains(.sandboxes) ? "sandbox" : "operand"
    }

    private static func action(_ kinds: Set<Operand>) -> String {
        let rows: [(Operand, String)] = [
            (.containers, "_vfs_run_containers"), (.sandboxes, "_vfs_run_sandboxes"),
            (.signals, "_vfs_run_signals"), (.commands, "_vfs_run_commands"), (.files, "_files"),
        ]
        let calls = rows.filter { kinds.contains($0.0) }.map(\.1)
        return calls.count == 1
            ? calls[0] : calls.isEmpty ? " " : "{\(calls.joined(separator: "; "))}"
    }

    private static func specs(_ options: [Option]) -> String {
        let specs = options.map { option in
            let help = option.help.split(separator: "'").joined(separator: "’")
            guard let value = option.value else { return "'--\(option.long)[\(help)]'" }
            let action =
                switch option.completes {
                case .nothing: ""
                case .files: "_files"
                case .directories: "_files -/"
                case .words(let words): "(\(words.joined(separator: " ")))"
                }
            return "'--\(option.long)=[\(help)]:\(value):\(action)'"
        }
        return (specs + ["'*:file:_files'"]).joined(separator: " ")
    }

    /// For fish, in whose single quotes a backslash keeps a quote and itself.
    private static func quoted(_ words: String) -> String {
        var text = "'"
        for character in words {
            if character == "'" || character == "\\" { text += "\\" }
            text.append(character)
        }
        return text + "'"
    }

    static var fish: String {
        var text = "# fish completion for vfs-run\n"
        for command in named {
            text += "complete -c vfs-run -n __fish_use_subcommand -a \(command.name)"
            text += " -d \(quoted(command.summary))\n"
        }
        for command in named {
            let kinds = operands(command).reduce(into: Set()) { $0.formUnion($1) }
            let rows: [(Operand, String)] = [
                (.containers, "(\(containers))"), (.sandboxes, "(\(sandboxes))"),
                (.signals, signals), (.commands, names),
            ]
            for (kind, words) in rows where kinds.contains(kind) {
                text += "complete -c vfs-run -n '__fish_seen_subcommand_from \(command.name)'"
                text += "\(kinds.contains(.files) ? "" : " -f") -a '\(words)'\n"
            }
        }
        for command in Command.all {
            let condition =
                command.name.isEmpty
                ? "__fish_use_subcommand" : "__fish_seen_subcommand_from \(command.name)"
            let globals = command.name.isEmpty ? GlobalOptions.options : []
            for option in command.allOptions + globals {
                text += "complete -c vfs-run -n '\(condition)' -l \(option.long)"
                if let short = option.short { text += " -s \(short)" }
                if option.value != nil { text += " -r" }
                if case .words(let words) = option.completes {
                    text += " -f -a '\(words.joined(separator: " "))'"
                }
                text += " -d \(quoted(option.help))\n"
            }
        }
        return text
    }
}
