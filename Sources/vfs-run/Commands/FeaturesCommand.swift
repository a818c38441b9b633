internal import ContainerRuntime
internal import JSON

extension Command {
    /// `vfs-run features`
    static let features = Command(
        name: "features", summary: "print what this version can do, as JSON", operands: "",
        details: [
            "Prints the features structure of the runtime specification: the versions of"
                + " config.json that are read, and the names of mount options, namespaces,"
                + " capabilities and seccomp that it may hold. What is not in there is refused."
        ],
        options: [],
        run: { arguments throws(CommandError) in
            if let extra = arguments.operands.first {
                throw CommandError(
                    "features takes no argument \"\(extra)\"; see \"vfs-run help features\"")
            }
            try Output.write(Features.json.prettyText)
            return 0
        })
}
