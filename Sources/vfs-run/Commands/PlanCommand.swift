internal import ContainerRuntime
internal import JSON

extension Command {
    /// `vfs-run plan config.json`
    static let plan = Command(
        name: "plan", summary: "print the steps of a start without taking any",
        operands: "CONFIG.json [[--] ARGS…]",
        details: [
            "Prints what a start does, in order: a number, the process that does it (the runtime"
                + " process on the host, or the init process in the container), what it does, and"
                + " where that comes from. Needs no privilege and touches nothing.",
            "With --json each step is an object: step, side, does, undone, origin, and for a step"
                + " that config.json asks for its file, line and JSON path.",
            "With --explain each kind of step is explained where it first comes: what the kernel"
                + " does, why the step stands there, and the system calls; in JSON as what, why and"
                + " calls. It is the text of docs/steps.md.",
        ],
        options: [
            .upper, .layer, .snapshot, .compare, .json,
            Option(
                long: "explain", value: nil,
                help: "say what the kernel does in each step, and why there"),
        ],
        endsWithOtherCommand: true,
        run: { arguments throws(CommandError) in
            let plan = try LoadedConfig(arguments, rehearses: true).plan
            let isExplained = arguments.has("explain")
            if arguments.has("json") {
                let json = isExplained ? plan.explainedJSON : plan.json
                try Output.write(json.prettyText)
            } else {
                try Output.write(isExplained ? plan.explainedText : plan.text)
            }
            return 0
        })
}
