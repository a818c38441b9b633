internal import ContainerRuntime

extension Command {
    /// `vfs-run run ID`
    static let run = Command(
        name: "run", summary: "create a container and start it", operands: "ID",
        details: [
            "As create and start. Stays until the container has ended, passes signals on, removes"
                + " the container and exits with its exit code, 128 + N when signal N ended it; with"
                + " --detach it ends as soon as the program runs.",
            aboutDescriptors,
            "With NOTIFY_SOCKET in the environment (sd_notify(3)) it passes on that the program is"
                + " ready, and what it says else of its state; with --detach until it is ready,"
                + " which is waited for.",
        ],
        options: Option.creation + [
            .detach,
            Option(
                long: "keep", value: nil,
                help: "leave the container's state when it has ended"),
            Option(
                long: "no-subreaper", value: nil,
                help: "do not adopt what the container leaves behind"),
        ],
        run: { arguments throws(CommandError) in
            try launch(arguments, until: arguments.has("detach") ? .started : .ended)
        })
}
