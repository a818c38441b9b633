internal import ContainerRuntime
internal import JSON
internal import Layers
internal import LinuxSystem

extension Option {
    fileprivate static let statistics = Option("stat", "print sizes beside the names, and totals")
    fileprivate static let all = Option(
        "all", short: "a", "also list files whose content and attributes are unchanged")
    fileprivate static let content = Option(
        "content", "print changes of text files up to 1 MB in the format of diff -u")
}

extension Command {
    /// `vfs-run diff DIR`
    static let diff = Command(
        name: "diff", summary: "print the changes in an upper, relative to its layers",
        operands: "DIR|ID",
        details: [
            "DIR is a directory of --upper, or the upper directory of any overlay. ID is a running"
                + " container whose upper is discarded at its end. Prints a line for each change, a"
                + " directory before its entries: A added, M modified, D deleted with everything"
                + " below it, T changed to another file type, R moved; then the changed attributes:"
                + " mode, owner, extended attributes. Names with unprintable characters are quoted"
                + " with C escapes.",
            "A file that was copied up and whose content is the same is not a change; --all lists it"
                + " as \"=\". An upper in use by a run is read with a warning.",
        ],
        options: [
            .json, .statistics, .all, .content, .since, .belowUpper, .userAttributes,
        ],
        run: { arguments throws(Failure) in
            let source = try UpperSource(arguments)
            if source.isInUse {
                arguments.globals.log.warning(source.warning)
            }
            return try print(source, arguments)
        })

    private static func print(
        _ source: UpperSource, _ arguments: ParsedArguments
    ) throws(Failure) -> CInt {
        let form: ChangePrinter.Form =
            arguments.has(.json)
            ? .json
            : arguments.has(.content)
                ? .content : arguments.has(.statistics) ? .statistics : .lines
        var printer = ChangePrinter(form, printsUnchanged: arguments.has(.all))
        try printer.print(Comparison(source.stack, uppers: source.uppers))
        return 0
    }
}
