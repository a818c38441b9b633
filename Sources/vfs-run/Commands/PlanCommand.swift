internal import ContainerRuntime
internal import JSON
internal import LinuxSystem

extension Option {
    fileprivate static let explain = Option(
        "explain", "explain each step: the kernel's part, and the reason for its position")
    fileprivate static let of = Option(
        "of", value: "COMMAND", completes: .words(["start", "delete", "exec"]),
        "print the steps of COMMAND on the container ID instead: start, delete or exec")
}

extension Command {
    /// `vfs-run plan config.json`
    static let plan = Command(
        name: "plan", summary: "print the steps of a start without executing them",
        operands: "CONFIG.json|ID [[--] ARGS…]",
        details: [
            "Prints the steps of a start in order: the number, the process that executes it (the"
                + " runtime process on the host, or the init process in the container), the action,"
                + " and its origin. Needs no privileges and changes nothing.",
            "--json prints each step as an object: step, side, does, undone, origin, and, for a step"
                + " from config.json, its file, line and JSON path.",
            "--explain describes each kind of step where it first occurs: what the kernel does, the"
                + " reason for its position, and the system calls; in JSON as what, why and calls."
                + " The text is that of docs/steps.md.",
            "--of start, --of delete and --of exec print the steps of these commands on an existing"
                + " container: \"vfs-run plan --of exec ID -- COMMAND ARGS…\". Options of these commands"
                + " follow a first --: \"vfs-run plan --of delete -- --force ID\".",
        ],
        options: [.upper, .layer, .snapshot, .compare, .json, .explain, .of] + Option.streams
            + Option.collection,
        endsWithOtherCommand: true,
        run: { arguments throws(Failure) in
            let plan = try plan(arguments)
            let isExplained = arguments.has(.explain)
            if arguments.has(.json) {
                let json = isExplained ? plan.explainedJSON : plan.json
                try Output.write(json.prettyText)
            } else {
                try Output.write(isExplained ? plan.explainedText : plan.text)
            }
            return 0
        })

    private static func plan(_ arguments: ParsedArguments) throws(Failure) -> Plan {
        guard let word = arguments.value(.of) else {
            return try LoadedConfig(arguments, rehearses: true).plan
        }
        // What follows the container's name is the program of exec.
        var words = arguments.operands
        if words.count > 1 && words[1] == "--" { words.remove(at: 1) }
        func parsed(_ command: Command) throws(Failure) -> ParsedArguments {
            let parsed = try ParsedArguments(words, of: command, globals: arguments.globals)
            try parsed.checkOperands()
            return parsed
        }
        switch word {
        case "start":
            return try parsed(.start).container().startPlan(notifySocket: notifySocket)
        case "delete":
            let delete = try parsed(.delete)
            return try delete.container().deletePlan(force: delete.isForced)
        case "exec":
            return try execPlan(try parsed(.exec))
        default:
            throw Failure("--of: \"\(word)\" has no plan; use start, delete or exec")
        }
    }
}
