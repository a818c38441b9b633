internal import ContainerRuntime
internal import JSON
internal import Layers
internal import LinuxSystem
internal import Sandbox

extension Option {
    fileprivate static let statistics = Option("stat", "print sizes beside the names, and totals")
    fileprivate static let all = Option(
        "all", short: "a", "also list files whose content and attributes are unchanged")
    fileprivate static let tree = Option(
        "tree", "print the changes as a tree, with the size of each directory's changes")
    fileprivate static let content = Option(
        "content", "print changes of text files up to 1 MB in the format of diff -u")
}

extension Command {
    /// `vfs-run diff DIR`
    static let diff = Command(
        name: "diff", summary: "print the changes in a sandbox or an upper",
        operands: "NAME|DIR|ID",
        details: [
            "NAME is a kept sandbox: paths are those of the host, and changes that apply refuses"
                + " without --guarded are marked. DIR is a directory of --upper, or the upper directory of any overlay. ID is a running"
                + " container whose upper is discarded at its end. Prints a line for each change, a"
                + " directory before its entries: A added, M modified, D deleted with everything"
                + " below it, T changed to another file type, R moved; then the changed attributes:"
                + " mode, owner, extended attributes. Names with unprintable characters are quoted"
                + " with C escapes.",
            "--tree prints a line for each name below its directory, and for each directory the number of"
                + " changes in it and the bytes of content that they add; of what was deleted with a"
                + " directory it counts nothing.",
            "A file that was copied up and whose content is the same is not a change; --all lists it"
                + " as \"=\". An upper in use by a run is read with a warning.",
        ],
        options: [
            .json, .statistics, .tree, .all, .content, .since, .belowUpper, .userAttributes,
        ],
        run: { arguments throws(Failure) in
            if let sandbox = try sandbox(arguments) { return try print(sandbox, arguments) }
            let source = try UpperSource(arguments)
            if source.isInUse {
                arguments.globals.log.warning(source.warning)
            }
            return try print(source, arguments)
        })

    /// Nil where the operand is a container or a directory.
    private static func sandbox(_ arguments: ParsedArguments) throws(Failure) -> KeptSandbox? {
        let operand = arguments.operands[0]
        let found: KeptSandbox?
        do throws(Failure) {
            found = try ChangedTrees.find(operand)
        } catch {
            if error.kind == .damaged { throw error }
            // UpperSource tells what is there.
            return nil
        }
        if found != nil, (try? arguments.globals.store.find(ContainerID(operand))) != nil {
            throw Failure(
                "\(operand.inQuotes) is both a sandbox and a container; give one of them another"
                    + " name")
        }
        return found
    }

    private static func print(
        _ sandbox: KeptSandbox, _ arguments: ParsedArguments
    ) throws(Failure) -> CInt {
        if try sandbox.isInUse() {
            arguments.globals.log.warning(
                "the sandbox \(sandbox.name.text.inQuotes) is in use: its files can change while they"
                    + " are read")
        }
        var printer = printer(arguments)
        try printer.print(ChangedTrees(of: sandbox, locks: false).trees)
        return 0
    }

    private static func printer(_ arguments: ParsedArguments) -> ChangePrinter {
        let form: ChangePrinter.Form =
            arguments.has(.json)
            ? .json
            : arguments.has(.content)
                ? .content
                : arguments.has(.tree)
                    ? .tree : arguments.has(.statistics) ? .statistics : .lines
        return ChangePrinter(form, printsUnchanged: arguments.has(.all))
    }

    private static func print(
        _ source: UpperSource, _ arguments: ParsedArguments
    ) throws(Failure) -> CInt {
        var printer = printer(arguments)
        try printer.print(Comparison(source.stack, uppers: source.uppers))
        return 0
    }
}
