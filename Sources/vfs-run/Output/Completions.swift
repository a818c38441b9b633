/// Completions for shells, from the tables of options.
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

    private static let named = Command.named

    private static func words(_ command: Command) -> String {
        command.allOptions.map { "--" + $0.long }.joined(separator: " ")
    }

    private static var bash: String {
        var text = "# bash completion for vfs-run\n_vfs_run() {\n"
        text += "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
        text += "    case $previous in\n"
        for option in Command.all.flatMap(\.options) {
            guard option.value != nil else { continue }
            let reply =
                switch option.completes {
                case .nothing: "COMPREPLY=()"
                case .files: "mapfile -t COMPREPLY < <(compgen -f -- \"$current\")"
                case .directories: "mapfile -t COMPREPLY < <(compgen -d -- \"$current\")"
                case .words(let words):
                    "mapfile -t COMPREPLY < <(compgen -W '\(words.joined(separator: " "))' --"
                        + " \"$current\")"
                }
            text += "    --\(option.long)) \(reply); return ;;\n"
        }
        text += "    esac\n    local options\n    case ${COMP_WORDS[1]} in\n"
        for command in named { text += "    \(command.name)) options='\(words(command))' ;;\n" }
        text += "    *) options='\(words(.oneShot))' ;;\n    esac\n"
        text += "    if [[ $current == -* ]]; then\n"
        text += "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
        text += "    else\n        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
        text += "        if [[ $COMP_CWORD -eq 1 ]]; then\n"
        text += "            mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W"
        let names: String = named.map(\.name).joined(separator: " ")
        text += " '\(names)' -- \"$current\")\n"
        return text + "        fi\n    fi\n}\ncomplete -o filenames -F _vfs_run vfs-run\n"
    }

    private static var zsh: String {
        var text = "#compdef vfs-run\n_vfs_run() {\n    local -a commands\n    commands=(\n"
        for command in named { text += "        '\(command.name):\(command.summary)'\n" }
        text += "    )\n    case $words[2] in\n"
        for command in named {
            text += "    \(command.name)) _arguments '1:command:' \(specs(command)) ;;\n"
        }
        let last: String = specs(.oneShot)
        text += "    *) _arguments '1:config or command:{_describe command commands; _files}'"
        text += " \(last) ;;\n    esac\n}\n_vfs_run \"$@\"\n"
        return text
    }

    private static func specs(_ command: Command) -> String {
        let options = command.allOptions.map { option in
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
        return (options + ["'*:file:_files'"]).joined(separator: " ")
    }

    private static var fish: String {
        var text = "# fish completion for vfs-run\n"
        for command in named {
            text += "complete -c vfs-run -n __fish_use_subcommand -a \(command.name)"
            text += " -d '\(command.summary)'\n"
        }
        for command in Command.all {
            let condition =
                command.name.isEmpty
                ? "__fish_use_subcommand" : "__fish_seen_subcommand_from \(command.name)"
            for option in command.allOptions {
                text += "complete -c vfs-run -n '\(condition)' -l \(option.long)"
                if let short = option.short { text += " -s \(short)" }
                if option.value != nil { text += " -r" }
                if case .words(let words) = option.completes {
                    text += " -f -a '\(words.joined(separator: " "))'"
                }
                text += " -d '\(option.help)'\n"
            }
        }
        return text
    }
}
