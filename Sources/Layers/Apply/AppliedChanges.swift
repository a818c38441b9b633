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
/// `.vfs-run-apply-TIME` in the tree's root, mode 0700: a file gets its name, and leaves it, by a
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

    private let kept: KeptUpper
    private let tree: AppliedTree
    private let begun: FileTime?
    private let folder: LayerDirectory
    private let own: OwnTimes

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
        let isFinished = try recover(forward: true, report)
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
            if planner.summary.moves { try transaction.journal.append(.mark(.moves)) }
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
    private func recover(forward: Bool, _ report: @escaping Report) throws(Failure) -> Bool {
        guard let number = try numbers().last, let found = try open(number) else { return false }
        switch found.mark {
        case nil, .undone, .moves: try remove(found)
        case .committed: break
        case .undoing: try takeBack(found, false, report)
        case .staged:
            if forward {
                try carryOut(found, false, isResumed: true, report)
                return true
            }
            try takeBack(found, false, report)
        }
        return false
    }

    /// Whether an apply has changed the tree below an upper that names files by their paths in it.
    private func hasMoves() throws(Failure) -> Bool {
        for number in try numbers() {
            if let found = try open(number), found.hasMoves, found.mark != nil { return true }
        }
        return false
    }

    private var moved: Failure {
        Failure(
            "the changes in \(kept.path.inQuotes) were applied and contain moved files (redirect_dir,"
                + " metacopy), so that the upper shows other files over the changed tree; take the"
                + " apply back with --undo, or discard the changes")
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

    // MARK: Transactions

    /// One apply.
    private struct Transaction {
        var number: Int
        var header: ApplyHeader
        var journal: ApplyJournal
        /// Nil where it was never made, or is empty and was removed.
        var store: ApplyStore?
        var mark: ApplyMark?
        var hasMoves = false
    }

    private func plannerOptions(_ options: Options) -> ApplyPlanner.Options {
        ApplyPlanner.Options(
            selection: options.selection, isForced: options.isForced,
            isGuarded: options.isGuarded, begun: begun, owners: options.owners)
    }

    private func place(_ number: Int) -> String {
        "\(kept.path)/\(AppliedChanges.folderName)/\(AppliedChanges.name(number))"
    }

    private static func name(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    private func numbers() throws(Failure) -> [Int] {
        let names = try attempt("readdir", on: kept.path, try folder.borrowed.entries())
        return names.compactMap { name in
            Int(name).flatMap { AppliedChanges.name($0) == name ? $0 : nil }
        }.sorted()
    }

    private func make(_ number: Int, _ identifier: String) throws(Failure) -> Transaction {
        let place = place(number)
        let isHere = try attempt("stat", on: place, try sharesFileSystem())
        // No character that a shell takes for something else.
        let digits = String(
            decoding: identifier.utf8.filter { (0x30...0x39).contains($0) }, as: UTF8.self)
        let header = ApplyHeader(
            tree: tree.path, identifier: identifier,
            store: isHere ? nil : ".vfs-run-apply-\(digits)-\(number)")
        let directory = LayerDirectory(
            try attempt(
                "mkdir", on: place,
                try folder.borrowed.openOrMake(AppliedChanges.name(number), mode: 0o700)),
            layer: 0)
        let journal = ApplyJournal(
            try attempt(
                "create", on: "\(place)/journal",
                try directory.borrowed.open(
                    "journal", [.readWrite, .create, .append, .truncate], mode: 0o600)),
            path: "\(place)/journal")
        // Before the store: a store that is not in a journal would stay.
        try journal.append(.header(header))
        try journal.flush()
        let store = try makeStore(directory, header, place)
        return Transaction(number: number, header: header, journal: journal, store: store)
    }

    private func makeStore(
        _ directory: LayerDirectory, _ header: ApplyHeader, _ place: String
    ) throws(Failure) -> ApplyStore {
        let parent = header.store == nil ? directory : tree.root
        let above = header.store == nil ? place : tree.path
        let name = header.store ?? "store"
        return ApplyStore(
            LayerDirectory(
                try attempt(
                    "mkdir", on: "\(above)/\(name)",
                    try parent.borrowed.openOrMake(name, mode: 0o700)), layer: 0))
    }

    /// Whether a file can be renamed from here to the tree.
    private func sharesFileSystem() throws(Errno) -> Bool {
        let here = try FileStatus.of(folder.borrowed)
        if here.device != tree.device { return false }
        do throws(Errno) {
            return try folder.borrowed.mountID() == tree.root.borrowed.mountID()
        } catch .notSupported {
            return false
        }
    }

    /// Nil for one without a header: nothing was done; it is removed.
    private func open(_ number: Int) throws(Failure) -> Transaction? {
        let place = place(number)
        let name = AppliedChanges.name(number)
        let directory = LayerDirectory(
            try attempt(
                "open", on: place, try folder.borrowed.open(name, [.readOnly, .directory])),
            layer: 0)
        let file = try attempt(
            "open", on: "\(place)/journal",
            try unlessMissing(
                try directory.borrowed.open(
                    "journal", [.readWrite, .append, .nonBlocking, .noControllingTerminal])))
        if let file {
            let journal = ApplyJournal(file, path: "\(place)/journal")
            try journal.repair()
            var header: ApplyHeader?
            var mark: ApplyMark?
            var hasMoves = false
            try journal.forEach { _, record in
                switch record {
                case .header(let found): header = found
                case .mark(.moves): hasMoves = true
                case .mark(let found): mark = found
                case .step: break
                }
            }
            if let header {
                if header.tree != tree.path {
                    throw Failure(
                        "the changes in \(kept.path.inQuotes) were applied to"
                            + " \(header.tree.inQuotes), not to \(tree.path.inQuotes); name that"
                            + " directory")
                }
                let store = try openStore(directory, header)
                return Transaction(
                    number: number, header: header, journal: journal, store: store, mark: mark,
                    hasMoves: hasMoves)
            }
        }
        try attempt("unlink", on: place, try removeFolder(number))
        return nil
    }

    private func openStore(
        _ directory: LayerDirectory, _ header: ApplyHeader
    ) throws(Failure) -> ApplyStore? {
        let parent = header.store == nil ? directory : tree.root
        let name = header.store ?? "store"
        let found = try attempt(
            "open", on: name,
            try unlessMissing(try parent.borrowed.open(name, [.readOnly, .directory])))
        guard let found else { return nil }
        let status = try attempt("fstat", on: name, try FileStatus.of(found.borrowed))
        if !status.isOwn {
            throw Failure(
                "\(name.inQuotes) in \(tree.path.inQuotes) is not believed:"
                    + " \(status.foreignness ?? "")")
        }
        return ApplyStore(LayerDirectory(found, layer: 0))
    }

    private func removeFolder(_ number: Int) throws(Errno) {
        guard let name = FileName(AppliedChanges.name(number)) else { return }
        try folder.borrowed.removeTree(name)
    }

    private func remove(_ transaction: Transaction) throws(Failure) {
        if let name = transaction.header.store.flatMap({ FileName($0) }) {
            try attempt("unlink", on: tree.path, try removeFromTree(name))
        }
        try attempt(
            "unlink", on: place(transaction.number), try removeFolder(transaction.number))
    }

    /// The tree's root keeps its time.
    private func removeFromTree(_ name: FileName) throws(Errno) {
        let modified = try FileStatus.of(tree.root.borrowed).modified
        try tree.root.borrowed.removeTree(name)
        try tree.root.borrowed.changeTimeOfHandle(modified)
    }

    // MARK: Steps

    private func executor(
        _ transaction: Transaction, isForced: Bool, isResumed: Bool
    ) throws(Failure) -> ApplyExecutor {
        var store = transaction.store
        if store == nil {
            let directory = LayerDirectory(
                try attempt(
                    "open", on: place(transaction.number),
                    try folder.borrowed.open(
                        AppliedChanges.name(transaction.number), [.readOnly, .directory])),
                layer: 0)
            store = try makeStore(directory, transaction.header, place(transaction.number))
        }
        guard let store else { throw Failure("no store") }
        return ApplyExecutor(tree, store, own, isResumed: isResumed) { [begun, own] status in
            guard !isForced, let begun, status.changed >= begun, !own.isOwn(status) else {
                return nil
            }
            return "it has changed"
        }
    }

    private func carryOut(
        _ transaction: Transaction, _ isForced: Bool, isResumed: Bool = false,
        _ report: @escaping Report
    ) throws(Failure) {
        var executor = try executor(transaction, isForced: isForced, isResumed: isResumed)
        func perform(_ step: ApplyStep) throws(Failure) {
            try attempt("poll", on: step.path, try Interruption.check())
            guard let refusal = try executor.carryOut(step) else { return }
            try report(.left(step.path, isDirectory: step.isOfDirectory, refusal))
        }
        do throws(Failure) {
            // A directory that becomes writable for its owner does so before the steps in it.
            try forEachStep(transaction) { step throws(Failure) in
                if step.opensDirectory(forward: true) { try perform(step) }
            }
            try forEachStep(transaction) { step throws(Failure) in
                if !step.isOfDirectory { try perform(step) }
            }
            try forEachStep(transaction) { step throws(Failure) in
                guard case .attributes(let path, let old, _, let after) = step,
                    step.isOfDirectory
                else { return }
                try perform(step)
                if let time = after.modified { try executor.setTime(of: path, old, to: time) }
            }
        } catch {
            throw error.advised(
                "the same command goes on, and \"apply --undo\" takes back what was done")
        }
        try own.flush()
        try transaction.journal.append(.mark(.committed))
        try transaction.journal.flush()
        try removeEmptyStore(transaction)
    }

    /// Of a store in the tree.
    private func removeEmptyStore(_ transaction: Transaction) throws(Failure) {
        guard let name = transaction.header.store.flatMap({ FileName($0) }) else { return }
        do throws(Errno) {
            let modified = try FileStatus.of(tree.root.borrowed).modified
            try tree.root.borrowed.removeDirectory(name)
            try tree.root.borrowed.changeTimeOfHandle(modified)
        } catch .directoryNotEmpty {
        } catch .noSuchFileOrDirectory {
        } catch {
            throw Failure("rmdir", "\(tree.path)/\(name.text)".inQuotes, error)
        }
    }

    private func takeBack(
        _ transaction: Transaction, _ isForced: Bool, _ report: @escaping Report
    ) throws(Failure) {
        let isResumed = transaction.mark == .staged || transaction.mark == .undoing
        var executor = try executor(transaction, isForced: isForced, isResumed: isResumed)
        var offsets: [Int64] = []
        try transaction.journal.forEach { offset, record in
            if case .step = record { offsets.append(offset) }
        }
        try transaction.journal.append(.mark(.undoing))
        try transaction.journal.flush()
        var isWhole = true
        func backward(
            _ body: (ApplyStep) throws(Failure) -> Void
        ) throws(Failure) {
            for offset in offsets.reversed() {
                if case .step(let step) = try transaction.journal.record(at: offset) {
                    try body(step)
                }
            }
        }
        func perform(_ step: ApplyStep) throws(Failure) {
            try attempt("poll", on: step.path, try Interruption.check())
            if let refusal = try executor.takeBack(step, isForced: isForced) {
                isWhole = false
                try report(.left(step.path, isDirectory: step.isOfDirectory, refusal))
            } else if !step.isOfDirectory {
                try report(.change(.unchanged, step.path, isDirectory: false))
            }
        }
        try backward { step throws(Failure) in
            if step.opensDirectory(forward: false) { try perform(step) }
        }
        try backward { step throws(Failure) in
            if !step.isOfDirectory { try perform(step) }
        }
        try backward { step throws(Failure) in
            guard case .attributes(let path, let old, let before, _) = step, step.isOfDirectory
            else { return }
            try perform(step)
            if let time = before.modified { try executor.setTime(of: path, old, to: time) }
        }
        try own.flush()
        // What could not be taken back stays applied.
        try transaction.journal.append(.mark(isWhole ? .undone : .committed))
        try transaction.journal.flush()
        if isWhole { try remove(transaction) }
    }

    private func forEachStep(
        _ transaction: Transaction, _ body: (ApplyStep) throws(Failure) -> Void
    ) throws(Failure) {
        try transaction.journal.forEach { _, record throws(Failure) in
            if case .step(let step) = record { try body(step) }
        }
    }
}

extension ApplyStep {
    /// Whether it gives the owner of a directory the right to write to it.
    func opensDirectory(forward: Bool) -> Bool {
        guard isOfDirectory, case .attributes(_, _, let before, let after) = self else {
            return false
        }
        let (old, new) = forward ? (before, after) : (after, before)
        return old.mode & 0o300 != 0o300 && new.mode & 0o300 == 0o300
    }
}
