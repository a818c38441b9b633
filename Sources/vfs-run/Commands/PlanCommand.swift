internal import ContainerRuntime
internal import JSON
internal import LinuxSystem

extension Option {
    fileprivate static let explain = Option(
        "explain", "explain each step: the kernel's part, and the reason for its position")
    fileprivate static let planFormat = Option(
        "format", value: "FORMAT", completes: .words(["text", "json", "sh"]),
        "text, json, or sh: a script of shell commands that do the same")
    fileprivate static let tree = Option("tree", "print the mounts of the container as a tree")
    fileprivate static let from = Option(
        "compare", value: "OTHER.json", completes: .files,
        "print what the plan does differently from that of OTHER.json")
    fileprivate static let of = Option(
        "of", value: "COMMAND", completes: .words(["start", "delete", "exec"]),
        "print the steps of COMMAND on the container ID instead: start, delete or exec")
}

extension Command {
    /// `vfs-run plan config.json`
    static let plan: Command = Command(
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
            "--format sh writes the plan as a script of sh(1): each step is a comment, with the commands"
                + " that have its effect below it, or the words that no command has it. Run as root, the"
                + " script makes the same mounts, namespaces, ids, capabilities and limits by unshare(1),"
                + " mount(8), pivot_root(8) and setpriv(1). It is for reading and trying: it has no"
                + " seccomp filter, and follows the links of the image.",
            "--tree prints the mounts alone, each below the one that it lies in; of several on one path"
                + " the last is the one that is seen.",
            "--compare prints the difference from the plan of another config, or of the same one without"
                + " the options given: \"vfs-run plan --compare c.json --upper DIR c.json\". Steps are"
                + " matched by what they are about, not by number: \"-\" OTHER.json alone, \"+\" CONFIG.json"
                + " alone, \"~\" changed, \">\" at another place.",
            "--of start, --of delete and --of exec print the steps of these commands on an existing"
                + " container: \"vfs-run plan --of exec ID -- COMMAND ARGS…\". Options of these commands"
                + " follow a first --: \"vfs-run plan --of delete -- --force ID\".",
        ],
        options: [
            .upper, .layer, .snapshot, .compare, .json, .explain, .planFormat, .tree, .from, .of,
            .width,
        ]
            + Option.streams
            + Option.collection,
        endsWithOtherCommand: true,
        run: { arguments throws(Failure) in
            let plan = try planned(arguments)
            if let other = arguments.value(.from) {
                let words = try ParsedArguments(
                    [other], of: arguments.command, globals: arguments.globals)
                let old = try LoadedConfig(words, rehearses: true).plan
                try Output.write(PlanComparison(old, plan).text)
                return 0
            }
            if arguments.has(.tree) {
                try Output.write(plan.treeText(columns: try arguments.screenColumns()))
                return 0
            }
            let isExplained = arguments.has(.explain)
            let format = arguments.value(.planFormat) ?? (arguments.has(.json) ? "json" : "text")
            guard ["text", "json", "sh"].contains(format) else {
                throw Failure("--format: \"\(format)\" is unknown; use text, json or sh")
            }
            if format == "sh" {
                try Output.write(try plan.shellScript)
            } else if format == "json" {
                let json = isExplained ? plan.explainedJSON : plan.json
                try Output.write(json.prettyText)
            } else {
                let columns = try arguments.screenColumns()
                try Output.write(
                    isExplained
                        ? plan.explainedText(columns: columns) : plan.text(columns: columns))
            }
            return 0
        })

    private static func planned(_ arguments: ParsedArguments) throws(Failure) -> Plan {
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
