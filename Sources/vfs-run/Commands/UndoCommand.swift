internal import ContainerRuntime
internal import Layers
internal import LinuxSystem

extension Option {
    static let snapshot = Option(
        long: "snapshot", value: "NAME",
        help: "before the run, freeze what DIR of --upper holds under NAME; see undo")
}

extension Command {
    /// `vfs-run undo DIR [NAME]`
    static let undo = Command(
        name: "undo", summary: "go back to a snapshot of a kept upper", operands: "DIR [NAME]",
        details: [
            "DIR is what --upper keeps. What was written since the snapshot NAME was taken is removed,"
                + " with the snapshots taken since; without NAME, since the last one. An upper in use"
                + " is refused. Snapshots are taken by --snapshot NAME with --upper DIR.",
            "With --all nothing that runs wrote is left, and DIR goes too where nothing else is in it:"
                + " also what belongs to ids set aside for an ordinary user (/etc/subuid), which"
                + " rm(1) of that user may not remove.",
        ],
        options: [
            Option(long: "all", short: "a", value: nil, help: "remove all that was ever written"),
            Option(
                long: "list", short: "l", value: nil,
                help: "print the names of the snapshots, oldest first, and change nothing"),
        ],
        run: { arguments throws(CommandError) in
            let operands = try arguments.requireOperands(1...2)
            let snapshots: [Snapshot]
            do throws(LayerError) {
                if arguments.has("all") {
                    try removeAll(operands, arguments)
                    return 0
                }
                snapshots = try KeptUpper.snapshots(in: operands[0])
                if !arguments.has("list") {
                    try goBack(operands, snapshots)
                    return 0
                }
            } catch {
                throw CommandError(error.sentence)
            }
            try Output.write(snapshots.map { $0.name + "\n" }.joined())
            return 0
        })

    private static func goBack(
        _ operands: [String], _ snapshots: [Snapshot]
    ) throws(LayerError) {
        let path = operands[0]
        guard let last = snapshots.last else {
            throw LayerError(
                "\"\(path)\" has no snapshots; --snapshot NAME with --upper takes one before a run")
        }
        var target = last
        if operands.count == 2 {
            guard let found = snapshots.first(where: { $0.name == operands[1] }) else {
                throw LayerError(
                    "\"\(path)\" has no snapshot \"\(operands[1])\"; it has "
                        + snapshots.map { "\"\($0.name)\"" }.joined(separator: ", "))
            }
            target = found
        }
        try open(path).goBack(to: target)
    }

    private static func removeAll(
        _ operands: [String], _ arguments: ParsedArguments
    ) throws(LayerError) {
        if operands.count > 1 || arguments.has("list") {
            throw LayerError("--all removes every snapshot too: name DIR alone, without --list")
        }
        let path = operands[0]
        // Nothing else is taken for one.
        let found = ["upper", "work", "snapshots", ".removed"].contains {
            (try? FileStatus.of(path: "\(path)/\($0)")) != nil
        }
        if !found { throw LayerError("\"\(path)\" is no directory that --upper has kept") }
        try open(path).removeAll()
    }

    private static func open(_ path: String) throws(LayerError) -> KeptUpper {
        let kept = try KeptUpper.owned(in: path)
        try kept.lock()
        return kept
    }
}
