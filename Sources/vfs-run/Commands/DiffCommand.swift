internal import ContainerRuntime
internal import JSON
internal import Layers
internal import LinuxSystem

extension Option {
    static let userAttributes = Option(
        long: "userxattr", value: nil,
        help: "the upper was mounted with userxattr, where DIR does not say so itself")
    static let since = Option(
        long: "since", value: "NAME",
        help: "only what was written since the snapshot NAME; all of DIR without it")
    static let belowUpper = Option(
        long: "layer", value: "DIR",
        help: "a layer that it was written over, bottom first; may be repeated. DIR knows its own",
        completes: .directories)
}

extension Command {
    /// `vfs-run diff DIR`
    static let diff = Command(
        name: "diff", summary: "print what runs changed against their layers", operands: "DIR|ID",
        details: [
            "DIR is what --upper kept, or any overlay's upper directory, ID a container: one whose"
                + " upper is thrown away while it runs. One line a change, each directory before what is in it: A"
                + " added, M modified, D deleted with all that was in it, T another kind of file,"
                + " R moved; then what is not content: mode, owner, extended attributes. Names that"
                + " are not plain text stand in quotes with the escapes of C.",
            "What a run only touched, or copied and changed back, is compared by its content and is"
                + " no change; --all lists it too, as \"=\". In use by a run, the upper is read all"
                + " the same, with a warning.",
        ],
        options: [
            .json,
            Option(
                long: "stat", value: nil, help: "print bytes beside the names, and how much in all"),
            Option(
                long: "all", short: "a", value: nil,
                help: "also what is the same but for its times"),
            Option(
                long: "content", value: nil,
                help: "print what changed in text files, as diff -u does, up to 1 MB each"),
            .since, .belowUpper, .userAttributes,
        ],
        run: { arguments throws(CommandError) in
            _ = try arguments.requireOperands(1...1)
            do throws(LayerError) {
                let source = try UpperSource(arguments)
                if source.isInUse {
                    arguments.globals.log.warning(source.warning)
                }
                return try print(source, arguments)
            } catch {
                throw CommandError(error.sentence)
            }
        })

    private static func print(
        _ source: UpperSource, _ arguments: ParsedArguments
    ) throws(LayerError) -> CInt {
        let form: ChangePrinter.Form =
            arguments.has("json")
            ? .json
            : arguments.has("content")
                ? .content : arguments.has("stat") ? .statistics : .lines
        var printer = ChangePrinter(form, printsUnchanged: arguments.has("all"))
        try printer.print(Comparison(source.stack, uppers: source.uppers))
        return 0
    }
}
