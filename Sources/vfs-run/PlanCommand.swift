internal import ContainerRuntime
internal import JSON

extension Command {
    /// `vfs-run plan config.json`
    static let plan = Command(
        name: "plan", summary: "print the steps of a start without taking any",
        operands: "CONFIG.json [-- ARGS…]",
        details: [
            "Prints what a start does, in order: a number, the process that does it (the runtime"
                + " process on the host, or the init process in the container), what it does, and"
                + " where that comes from. Needs no privilege and touches nothing.",
            "With --json each step is an object: step, side, does, undone, origin, and for a step"
                + " that config.json asks for its file, line and JSON path.",
        ],
        options: [.upper, .layer, .json],
        run: { arguments throws(CommandError) in
            let plan = try LoadedConfig(arguments, rehearses: true).plan
            try Output.write(arguments.has("json") ? plan.json.prettyText : plan.text)
            return 0
        })
}
