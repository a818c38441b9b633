internal import Layers
internal import LinuxSystem

/// All directories of the host that a sandbox shows copy-on-write.
struct ChangedTrees {
    let trees: [ChangedTree]

    struct Manner {
        var isDry = false
        var isForced = false
        var isGuarded = false
        var synchronizes = false
    }

    /// - Parameter operand: A kept sandbox, or a directory of `--upper`.
    init(_ operand: String, onto: String? = nil) throws(Failure) {
        trees = [try ChangedTree(keptIn: operand, onto: onto)]
    }

    /// - Parameter paths: None stands for all.
    func apply(
        _ paths: [String], _ manner: Manner, _ printer: ApplyPrinter
    ) throws(Failure) {
        let identifier = Clock.timestamp
        var isKnown = paths.isEmpty
        for tree in trees {
            var options = AppliedChanges.Options(owners: tree.owners)
            options.isForced = manner.isForced
            options.isGuarded = manner.isGuarded
            options.synchronizes = manner.synchronizes
            if !paths.isEmpty {
                guard let selection = try tree.selection(paths, isOnly: trees.count == 1) else {
                    continue
                }
                options.selection = selection
                isKnown = true
            }
            let applied = try tree.applied()
            let report: AppliedChanges.Report = { event throws(Failure) in
                try printer.tell(event, tree.prefix)
            }
            if manner.isDry {
                try applied.plan(
                    tree.stack, uppers: tree.uppers, tree.rules, options, report: report)
            } else {
                try applied.apply(
                    tree.stack, uppers: tree.uppers, tree.rules, options,
                    identifier: identifier, report: report)
            }
        }
        if !isKnown {
            throw Failure(
                "no path lies in a directory of the sandbox; those are "
                    + trees.map(\.tree.path.inQuotes).joined(separator: ", "))
        }
    }

    /// The applies of one command are taken back together.
    func undo(isForced: Bool, _ printer: ApplyPrinter) throws(Failure) {
        var found: [(tree: ChangedTree, applied: AppliedChanges, identifier: String)] = []
        for tree in trees {
            let applied = try tree.applied()
            if let last = try applied.last() { found.append((tree, applied, last)) }
        }
        guard let last = found.map(\.identifier).max() else {
            throw Failure("nothing was applied, or everything is taken back already")
        }
        for (tree, applied, identifier) in found.reversed() where identifier == last {
            try applied.undo(isForced: isForced) { event throws(Failure) in
                try printer.tell(event, tree.prefix)
            }
        }
    }
}
