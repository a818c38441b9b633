public import LinuxSystem
internal import SystemPackage

/// The changes of a kept upper that were applied to the directory of the host below it: beside the
/// upper, a directory for each apply.
///
///     DIR/applied/own             files that applies have written, with their times
///     DIR/applied/000001/journal  the steps
///     DIR/applied/000001/store    new files before they get their names; what was there before
///
/// Where DIR is on another file system than the tree, the store is the directory
/// `.vfs-run-apply-TIME-NUMBER` in the tree's root, mode 0700: a file gets its name, and leaves it, by a
/// rename.
public final class AppliedChanges {
    public struct Options: Sendable {
        public var selection = ApplySelection.all
        public var isForced = false
        public var isGuarded = false
        public var begun: FileTime?
        public var owners: ApplyOwners
        /// Whether everything is to be on the disk at the end.
        public var synchronizes = false

        public init(owners: ApplyOwners) { self.owners = owners }
    }

    public typealias Report = (ApplyEvent) throws(Failure) -> Void

    static let folderName = "applied"

    let kept: KeptUpper
    let tree: AppliedTree
    let begun: FileTime?
    let folder: LayerDirectory
    let own: OwnTimes

    /// - Parameter kept: Locked.
    public init(_ kept: KeptUpper, to tree: AppliedTree, begun: FileTime?) throws(Failure) {
        self.kept = kept
        self.tree = tree
        self.begun = begun
        let place = "\(kept.path)/\(AppliedChanges.folderName)"
        let folder = LayerDirectory(
            try attempt(
                "mkdir", on: place,
                try kept.directory.borrowed.openOrMake(AppliedChanges.folderName, mode: 0o700)),
            layer: 0)
        self.folder = folder
        let file = try attempt(
            "open", on: "\(place)/own",
            try folder.borrowed.open(
                "own",
                [.readWrite, .create, .append, .nonBlocking, .noControllingTerminal],
                mode: 0o600))
        own = try OwnTimes(file, path: "\(place)/own")
    }

    /// When the first run that wrote to the upper began, where no record says it: its lock file was
    /// made then.
    public static func begun(_ kept: KeptUpper) throws(Failure) -> FileTime? {
        let place = "\(kept.path)/\(UpperLocks.name)"
        return try attempt(
            "stat", on: place,
            try unlessMissing(try FileStatus.of(UpperLocks.name, in: kept.directory.borrowed)))?
            .changed
    }

    // MARK: Commands

    /// Applies the changes of `stack` to the tree.
    ///
    /// - Parameter identifier: Of the command: a time, `Clock.timestamp`.
    public func apply(
        _ stack: LayerStack, uppers: Int, _ rules: GuardRules, _ options: Options,
        identifier: String, report: @escaping Report
    ) throws(Failure) {
        let isFinished = try recover(isForced: options.isForced, report)
        if try hasMoves() {
            if isFinished { return }
            throw moved
        }
        let number = (try numbers().last ?? 0) + 1
        let transaction = try make(number, identifier)
        let planner = ApplyPlanner(
            stack, uppers: uppers, tree, rules, plannerOptions(options), own: own,
            store: transaction.store, journal: transaction.journal, report: report)
        do throws(Failure) {
            try planner.run()
            try own.flush()
            if planner.summary.steps == 0 { return try remove(transaction) }
            if try planner.changesMoved() { try transaction.journal.append(.mark(.moves)) }
            try transaction.journal.append(.mark(.staged))
            // What is replaced or removed must not be lost when the machine stops; what is only
            // added is still in the upper.
            if planner.summary.displaces || options.synchronizes {
                let store = transaction.store?.directory ?? folder
                try attempt("syncfs", on: tree.path, try store.borrowed.synchronizeFileSystem())
                try transaction.journal.synchronize()
            } else {
                try transaction.journal.flush()
            }
        } catch {
            // The tree is as it was. The error counts.
            try? remove(transaction)
            throw error
        }
        try carryOut(transaction, options.isForced, report)
        if options.synchronizes { try synchronize() }
    }

    /// What `apply` would do.
    public func plan(
        _ stack: LayerStack, uppers: Int, _ rules: GuardRules, _ options: Options,
        report: @escaping Report
    ) throws(Failure) {
        if try hasMoves() { throw moved }
        let planner = ApplyPlanner(
            stack, uppers: uppers, tree, rules, plannerOptions(options), own: own, store: nil,
            journal: nil, report: report)
        try planner.run()
    }

    /// The last apply that is not taken back; nil where there is none.
    public func last() throws(Failure) -> String? {
        while let number = try numbers().last {
            guard let found = try open(number) else { continue }
            return found.header.identifier
        }
        return nil
    }

    /// Takes the last apply back.
    public func undo(isForced: Bool, report: @escaping Report) throws(Failure) {
        guard let number = try numbers().last, let found = try open(number) else { return }
        if found.mark == nil || found.mark == .undone { return try remove(found) }
        try takeBack(found, isForced, report)
    }

    /// Finishes what a killed process has begun.
    ///
    /// - Returns: Whether there was something to be carried out.
    func recover(isForced: Bool, _ report: @escaping Report) throws(Failure) -> Bool {
        guard let number = try numbers().last, let found = try open(number) else { return false }
        switch found.mark {
        case nil, .undone, .moves: try remove(found)
        case .committed: break
        case .undoing: try takeBack(found, isForced, report)
        case .staged:
            try carryOut(found, isForced, isResumed: true, report)
            return true
        }
        return false
    }

    /// Whether an apply or an undo was interrupted.
    public func isUnfinished() throws(Failure) -> Bool {
        guard let number = try numbers().last, let found = try open(number) else { return false }
        return found.mark == .staged || found.mark == .undoing
    }

    /// Forgets all applies: none can be taken back any more.
    public func removeAll() throws(Failure) {
        try synchronize()
        for number in try numbers().reversed() {
            if let found = try open(number) { try remove(found) }
        }
    }

    /// Waits until the tree is on the disk.
    public func synchronize() throws(Failure) {
        try attempt("syncfs", on: tree.path, try tree.root.borrowed.synchronizeFileSystem())
    }
}
