internal import Layers
internal import LinuxSystem
internal import Sandbox

/// All directories of the host that a sandbox shows copy-on-write.
struct ChangedTrees {
    let trees: [ChangedTree]
    /// Nil for a directory of `--upper`.
    let sandbox: KeptSandbox?

    struct Manner {
        var isDry = false
        var isForced = false
        var isGuarded = false
        var synchronizes = false
    }

    /// - Parameter operand: A kept sandbox, or a directory of `--upper`.
    static func open(_ operand: String, onto: String? = nil) throws(Failure) -> ChangedTrees {
        guard let found = try ChangedTrees.find(operand) else {
            return ChangedTrees(try ChangedTree(keptIn: operand, onto: onto))
        }
        if onto != nil {
            throw Failure(
                "the sandbox \(operand.inQuotes) knows its directories; leave out --onto")
        }
        return try ChangedTrees(of: found, locks: true)
    }

    private init(_ tree: ChangedTree) {
        trees = [tree]
        sandbox = nil
    }

    /// - Parameter locks: Whether no run may write to the sandbox meanwhile.
    init(of sandbox: KeptSandbox, locks: Bool) throws(Failure) {
        if locks { try sandbox.lock() }
        var trees: [ChangedTree] = []
        var reader: OwnerReader?
        for recorded in sandbox.record.trees {
            if let tree = try ChangedTree(recorded, of: sandbox, &reader, locks: locks) {
                trees.append(tree)
            }
        }
        self.trees = trees
        self.sandbox = sandbox
    }

    /// The kept sandbox that an operand names; nil for a directory.
    static func find(_ operand: String) throws(Failure) -> KeptSandbox? {
        if operand.utf8.contains(UInt8(ascii: "/")) { return nil }
        let isDirectory = (try? FileStatus.of(path: operand))?.kind == .directory
        let found: KeptSandbox
        do throws(Failure) {
            found = try SandboxStore.ofCaller().find(SandboxName(operand))
        } catch {
            if isDirectory { return nil }
            throw error
        }
        if isDirectory {
            throw Failure(
                "\(operand.inQuotes) is both a sandbox and a directory; write ./\(operand) for the"
                    + " directory")
        }
        return found
    }

    /// - Parameter paths: None stands for all.
    func apply(
        _ paths: [String], _ manner: Manner, _ printer: ApplyPrinter
    ) throws(Failure) {
        if paths.isEmpty { return try apply(trees.map { ($0, .all) }, manner, printer) }
        var chosen: [(tree: ChangedTree, selection: ApplySelection)] = []
        for tree in trees {
            if let selection = try tree.selection(paths, isOnly: trees.count == 1) {
                chosen.append((tree, selection))
            }
        }
        if chosen.isEmpty {
            throw Failure(
                "no path lies in a directory of the sandbox; those are "
                    + trees.map(\.tree.path.inQuotes).joined(separator: ", "))
        }
        try apply(chosen, manner, printer)
    }

    func apply(
        _ chosen: [(tree: ChangedTree, selection: ApplySelection)], _ manner: Manner,
        _ printer: ApplyPrinter
    ) throws(Failure) {
        let identifier = Clock.timestamp
        for (tree, selection) in chosen {
            let options = options(tree, selection, manner)
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
    }

    /// What applying everything that is not guarded would do.
    ///
    /// - Parameter report: Is told the number of the tree.
    func plan(
        _ report: @escaping (ApplyEvent, Int) throws(Failure) -> Void
    ) throws(Failure) {
        for (index, tree) in trees.enumerated() {
            try tree.applied().plan(
                tree.stack, uppers: tree.uppers, tree.rules, options(tree, .all, Manner())
            ) { event throws(Failure) in
                try report(event, index)
            }
        }
    }

    private func options(
        _ tree: ChangedTree, _ selection: ApplySelection, _ manner: Manner
    ) -> AppliedChanges.Options {
        var options = AppliedChanges.Options(owners: tree.owners)
        options.selection = selection
        options.isForced = manner.isForced
        options.isGuarded = manner.isGuarded
        options.synchronizes = manner.synchronizes
        return options
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
