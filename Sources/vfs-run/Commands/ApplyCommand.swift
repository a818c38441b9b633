internal import Layers
internal import LinuxSystem

extension Option {
    fileprivate static let all = Option("all", short: "a", "apply every change")
    fileprivate static let dryRun = Option(
        "dry-run", short: "n", "print what would be applied, and change nothing")
    fileprivate static let force = Option(
        "force", "also overwrite files that have changed on the host since the run began")
    fileprivate static let guarded = Option(
        "guarded",
        "also apply guarded paths, set-id bits, file capabilities and links out of the tree")
    fileprivate static let undo = Option(
        "undo", "take the last apply back; with --force, changes made since are lost")
    fileprivate static let onto = Option(
        "onto", value: "TREE", completes: .directories,
        "the directory to be changed; default: the only layer below the upper")
    fileprivate static let sync = Option("sync", "wait until the changes are on disk")
}

extension Command {
    /// `vfs-run apply DIR [PATH…]`
    static let apply = Command(
        name: "apply", summary: "apply the changes of a sandbox to the host",
        operands: "NAME|DIR [PATH…]",
        details: [
            "NAME is a kept sandbox, DIR a directory of --upper. PATH is a path as diff prints it, or"
                + " relative to the working directory; it stands for everything below it. Prints a"
                + " line for each change, as diff does.",
            "A file that has changed on the host since the run began is not overwritten: the command"
                + " prints its name, applies the others and exits with 3. Devices, sockets and owners"
                + " without an id on the host are never applied. Files that programs of the host"
                + " execute unasked (.git, .envrc, shell start-up files, systemd units, …), set-id"
                + " bits, file capabilities and links out of the tree need --guarded.",
            "What was there before is kept until the sandbox is discarded: --undo restores it. If the"
                + " command is killed, the same command completes the apply, and --undo takes it"
                + " back.",
        ],
        options: [.all, .dryRun, .force, .guarded, .undo, .onto, .sync, .quiet],
        run: { arguments throws(Failure) in
            let paths = Array(arguments.operands.dropFirst())
            if !arguments.has(.undo), paths.isEmpty != arguments.has(.all) {
                throw Failure(
                    paths.isEmpty
                        ? "name the paths that are to be applied, or --all"
                        : "--all applies every path; give paths or --all")
            }
            let trees = try ChangedTrees.open(
                arguments.operands[0], onto: try arguments.path(.onto))
            let printer = ApplyPrinter(
                isQuiet: arguments.has(.quiet), arguments.globals.log)
            if arguments.has(.undo) {
                if !paths.isEmpty {
                    throw Failure("--undo takes the whole last apply back; leave out the paths")
                }
                try trees.undo(isForced: arguments.has(.force), printer)
            } else {
                try trees.apply(
                    paths,
                    ChangedTrees.Manner(
                        isDry: arguments.has(.dryRun), isForced: arguments.has(.force),
                        isGuarded: arguments.has(.guarded), synchronizes: arguments.has(.sync)),
                    printer)
            }
            try printer.flush()
            if let remark = printer.remark { arguments.globals.log.warning(remark) }
            return printer.exitCode
        })
}
