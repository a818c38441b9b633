extension Completions {
    /// The names of containers are asked for each time. They are compared as they are: compgen(1) would
    /// expand them.
    static var bash: String {
        var text = """
            # bash completion for vfs-run
            _vfs_run_match() {
                local word
                while IFS= read -r word; do
                    [[ -n $word && $word == "$1"* ]] && COMPREPLY+=("$word")
                done
            }
            _vfs_run_files() {
                local found
                mapfile -t found < <(compgen "$1" -- "$2")
                COMPREPLY+=("${found[@]}")
            }
            _vfs_run() {
                local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
                local globals=() index=1 place=0 command= options word
                COMPREPLY=()
                while [[ $index -lt $COMP_CWORD ]]; do
                    word=${COMP_WORDS[index]}
                    case "$command:$word" in
                    :--root) globals=(--root "${COMP_WORDS[index+1]}"); ((index++)) ;;

            """
        text += "        \(valued)) ((index++)) ;;\n"
        text += """
                    *:-*) ;;
                    :*) command=$word ;;
                    *) ((place++)) ;;
                    esac
                    ((index++))
                done
                case "$command:$previous" in

            """
        for (command, options) in tables {
            for option in options where option.value != nil && !option.valueIsOptional {
                text += "    \(command):--\(option.long)) \(reply(option)); return ;;\n"
            }
        }
        text += "    esac\n    case $command in\n"
        for command in named {
            text += "    \(command.name)) options='\(words(command.allOptions))' ;;\n"
        }
        let first = words(Command.oneShot.allOptions + GlobalOptions.options)
        text += "    '') options='\(first)' ;;\n    esac\n"
        text += """
                if [[ $current == -* ]]; then
                    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
                    return
                fi
                case "$command:$place" in
                :0)
                    mapfile -t COMPREPLY < <(compgen -W '\(names)' -- "$current")
                    _vfs_run_files -f "$current"
                    ;;

            """
        for command in named {
            for (place, kinds) in operands(command).enumerated() where kinds != [.files] {
                text += "    \(command.name):\(place)) \(replies(kinds)) ;;\n"
            }
        }
        return text + "    *) _vfs_run_files -f \"$current\" ;;\n    esac\n}\n"
            + "complete -o filenames -F _vfs_run vfs-run\n"
    }

    /// The options before a command, which are those of the one-shot form and the global ones, and those of
    /// each command.
    private static var tables: [(command: String, options: [Option])] {
        [("", Command.oneShot.allOptions + GlobalOptions.options)]
            + named.map { ($0.name, $0.allOptions) }
    }

    /// The patterns of options whose value is the next word.
    private static var valued: String {
        var patterns: [String] = []
        for (command, options) in tables {
            for option in options
            where option.value != nil && !option.valueIsOptional && option.long != "root" {
                patterns.append("\(command):--\(option.long)")
                if let short = option.short { patterns.append("\(command):-\(short)") }
            }
        }
        return patterns.joined(separator: " | ")
    }

    private static func reply(_ option: Option) -> String {
        switch option.completes {
        case .nothing: ":"
        case .files: "_vfs_run_files -f \"$current\""
        case .directories: "_vfs_run_files -d \"$current\""
        case .words(let words):
            "mapfile -t COMPREPLY < <(compgen -W '\(words.joined(separator: " "))' --"
                + " \"$current\")"
        }
    }

    private static func replies(_ kinds: Set<Operand>) -> String {
        let rows: [(Operand, String)] = [
            (
                .containers,
                "_vfs_run_match \"$current\" < <(vfs-run \"${globals[@]}\" list -q 2> /dev/null)"
            ),
            (
                .sandboxes,
                "_vfs_run_match \"$current\" < <(vfs-run list --sandboxes -q 2> /dev/null)"
            ),
            (.signals, "_vfs_run_match \"$current\" < <(printf '%s\\n' \(signals))"),
            (.commands, "_vfs_run_match \"$current\" < <(printf '%s\\n' \(names))"),
            (.files, "_vfs_run_files -f \"$current\""), (.nothing, ":"),
        ]
        return rows.filter { kinds.contains($0.0) }.map(\.1).joined(separator: "; ")
    }
}
