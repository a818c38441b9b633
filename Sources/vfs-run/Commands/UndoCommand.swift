internal import ContainerRuntime
internal import Layers
internal import LinuxSystem

extension Option {
    fileprivate static let all = Option(
        "all", short: "a", "remove everything that runs have written to DIR")
    fileprivate static let list = Option(
        "list", short: "l", "print the names of the snapshots, oldest first, and change nothing")
}

extension Command {
    /// `vfs-run undo DIR [NAME]`
    static let undo = Command(
        name: "undo", summary: "restore a snapshot of an upper", operands: "DIR [NAME]",
        details: [
            "DIR is a directory of --upper. Removes everything written after the snapshot NAME was"
                + " taken, including later snapshots; default: the last snapshot. An upper in use by"
                + " a run is refused. --upper DIR with --snapshot NAME takes a snapshot.",
            "--all removes everything that runs have written, and DIR itself if nothing else is in"
                + " it. That includes files of subordinate ids (/etc/subuid), which rm(1) cannot"
                + " remove without privileges.",
        ],
        options: [.all, .list],
        run: { arguments throws(Failure) in
            let operands = arguments.operands
            if arguments.has(.all) {
                try removeAll(operands, arguments)
                return 0
            }
            let snapshots = try KeptUpper.snapshots(in: operands[0])
            if !arguments.has(.list) {
                try goBack(operands, snapshots)
                return 0
            }
            try Output.write(snapshots.map { $0.name + "\n" }.joined())
            return 0
        })

    private static func goBack(
        _ operands: [String], _ snapshots: [Snapshot]
    ) throws(Failure) {
        let path = operands[0]
        guard let last = snapshots.last else {
            throw Failure(
                "\"\(path)\" has no snapshot; --upper DIR with --snapshot NAME takes one before a run"
            )
        }
        var target = last
        if operands.count == 2 {
            guard let found = snapshots.first(where: { $0.name == operands[1] }) else {
                throw Failure(
                    "\"\(path)\" has no snapshot \"\(operands[1])\"; it has "
                        + snapshots.map { "\"\($0.name)\"" }.joined(separator: ", "))
            }
            target = found
        }
        try open(path).goBack(to: target)
    }

    private static func removeAll(
        _ operands: [String], _ arguments: ParsedArguments
    ) throws(Failure) {
        if operands.count > 1 || arguments.has(.list) {
            throw Failure("--all removes all snapshots; give it without NAME and without --list")
        }
        let path = operands[0]
        // No other directory is removed.
        let found = ["upper", "work", "snapshots", ".removed"].contains {
            (try? FileStatus.of(path: "\(path)/\($0)")) != nil
        }
        if !found { throw Failure("\"\(path)\" is not a directory of --upper") }
        try open(path).removeAll()
    }

    private static func open(_ path: String) throws(Failure) -> KeptUpper {
        let kept = try KeptUpper.owned(in: path)
        try kept.lock()
        return kept
    }
}
