internal import ContainerRuntime
internal import JSON
internal import LinuxSystem

extension Option {
    fileprivate static let explain = Option(
        "explain", "explain each step: the kernel's part, and the reason for its position")
}

extension Command {
    /// `vfs-run plan config.json`
    static let plan = Command(
        name: "plan", summary: "print the steps of a start without executing them",
        operands: "CONFIG.json [[--] ARGS…]",
        details: [
            "Prints the steps of a start in order: the number, the process that executes it (the"
                + " runtime process on the host, or the init process in the container), the action,"
                + " and its origin. Needs no privileges and changes nothing.",
            "--json prints each step as an object: step, side, does, undone, origin, and, for a step"
                + " from config.json, its file, line and JSON path.",
            "--explain describes each kind of step where it first occurs: what the kernel does, the"
                + " reason for its position, and the system calls; in JSON as what, why and calls."
                + " The text is that of docs/steps.md.",
        ],
        options: [.upper, .layer, .snapshot, .compare, .json, .explain],
        endsWithOtherCommand: true,
        run: { arguments throws(CommandError) in
            let plan = try LoadedConfig(arguments, rehearses: true).plan
            let isExplained = arguments.has(.explain)
            if arguments.has(.json) {
                let json = isExplained ? plan.explainedJSON : plan.json
                try Output.write(json.prettyText)
            } else {
                try Output.write(isExplained ? plan.explainedText : plan.text)
            }
            return 0
        })
}
