internal import LinuxSystem
internal import SystemPackage

/// Carries steps out, and takes them back. Each step can be repeated: what was done before a process
/// was killed is recognised by the files themselves.
struct ApplyExecutor {
    let tree: AppliedTree
    let store: ApplyStore
    let own: OwnTimes
    /// Whether a file below a directory that is removed has changed on the host.
    let conflict: (FileStatus) -> String?
    /// Whether a killed process has carried out a part of the steps: the times that it has set may be
    /// noted nowhere, so that a file is told by its inode and its content; and it may have moved a
    /// file without looking at it.
    let isResumed: Bool

    var cursor: TreeCursor

    /// Why a step was left out.
    typealias Refusal = ApplyEvent.Reason

    init(
        _ tree: AppliedTree, _ store: ApplyStore, _ own: OwnTimes, isResumed: Bool,
        conflict: @escaping (FileStatus) -> String?
    ) {
        self.tree = tree
        self.store = store
        self.own = own
        self.isResumed = isResumed
        self.conflict = conflict
        cursor = TreeCursor(tree)
    }

    static let changed = Refusal.conflict("it changes on the host at this moment")

    // MARK: Forward

    /// - Returns: Nil where it is done.
    mutating func carryOut(_ step: ApplyStep) throws(Failure) -> Refusal? {
        do throws(Errno) {
            switch step {
            case .add(let path, let number, let new): return try add(path, number, new)
            case .replace(let path, let number, let new, let old):
                return try replace(path, number, with: new, over: old)
            case .delete(let path, let number, let old): return try delete(path, number, old)
            case .attributes(let path, let old, let before, let after):
                return try change(path, old, from: before, to: after, isForced: false)
            }
        } catch {
            return try refusal(error, step.path)
        }
    }

    func refusal(_ error: Errno, _ path: LayerPath) throws(Failure) -> Refusal {
        switch error {
        // What makes every further step fail, too; and the user's wish.
        case .ioError, .readOnlyFileSystem, .tooManyOpenFiles, .tooManyOpenFilesInSystem,
            .noMemory, .interrupted:
            throw Failure("apply", path.quoted, error)
        case .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels:
            return .conflict(ApplyPlanner.words(error))
        default: return .failed(ApplyPlanner.words(error))
        }
    }

    private mutating func add(
        _ path: LayerPath, _ number: UInt64, _ new: FileIdentity
    ) throws(Errno) -> Refusal? {
        let (parent, name) = try cursor.open(parentOf: path)
        let staged = ApplyStore.name(number)
        do throws(Errno) {
            try store.directory.borrowed.rename(
                staged, to: name, in: parent.borrowed, .onlyNew)
        } catch .fileExists {
            return .conflict("a file of that name was made on the host since the run began")
        } catch .noSuchFileOrDirectory {
            // Done by the process that was killed.
            let found = try AppliedTree.status(name, in: parent.borrowed)
            if found?.inode != new.inode { return ApplyExecutor.changed }
        }
        try note(name, in: parent, of: new)
        return nil
    }

    private mutating func replace(
        _ path: LayerPath, _ number: UInt64, with new: FileIdentity, over old: FileIdentity
    ) throws(Errno) -> Refusal? {
        let (parent, name) = try cursor.open(parentOf: path)
        guard let found = try AppliedTree.status(name, in: parent.borrowed) else {
            return .conflict("it was removed on the host since the run began")
        }
        let isDone = found.inode == new.inode
        if !isDone {
            guard isExpected(found, old), try store.status(number)?.inode == new.inode else {
                return ApplyExecutor.changed
            }
        }
        let staged = ApplyStore.name(number)
        let refusal = try take(
            name, in: parent, as: staged, .exchange(new.inode), old, isDone: isDone,
            else: ApplyExecutor.changed
        ) { taken throws(Errno) in
            try isAnother(taken, than: old, staged)
        }
        if let refusal { return refusal }
        try note(name, in: parent, of: new)
        return nil
    }

    private mutating func delete(
        _ path: LayerPath, _ number: UInt64, _ old: FileIdentity
    ) throws(Errno) -> Refusal? {
        let (parent, name) = try cursor.open(parentOf: path)
        let kept = isResumed ? try store.status(number) : nil
        let isDone = kept != nil
        if !isDone {
            // Nothing is there: the host has removed it.
            guard let found = try AppliedTree.status(name, in: parent.borrowed) else {
                return nil
            }
            guard isExpected(found, old) else { return ApplyExecutor.changed }
        }
        let staged = ApplyStore.name(number)
        return try take(
            name, in: parent, as: staged, .move, old, isDone: isDone, else: ApplyExecutor.changed
        ) { taken throws(Errno) in
            try isAnother(taken, than: old, staged)
        }
    }

    /// Whether it is the file that the step was planned for. Of another name of it a step before has
    /// changed the time.
    private func isExpected(_ found: FileStatus, _ old: FileIdentity) -> Bool {
        old.isUnchanged(found)
            || old.isSame(found) && (isResumed && found.linkCount > 1 || own.isOwn(found))
    }

    /// Whether what was taken out of the tree is not what was to be taken out, or something below it
    /// has changed since it was looked at.
    private func isAnother(
        _ taken: FileStatus, than old: FileIdentity, _ name: FileName
    ) throws(Errno) -> Bool {
        if !old.isSame(taken) { return true }
        return try store.holds(name, taken) { conflict($0) != nil }
    }

    // MARK: Taking

    enum Taking {
        /// The name is free afterwards.
        case move
        /// The file of this inode, which lies in the store, gets the name.
        case exchange(UInt64)

        fileprivate var rule: FileDescriptor.RenameRule {
            if case .exchange = self { .exchange } else { .onlyNew }
        }
    }

    /// Moves the file `name` to the store, or has it change places with what lies there, and then
    /// looks at what has come to the store: another process may have put another file under the name
    /// a moment before. That one goes back, also where looking fails. Where yet another file has got the
    /// name in between it comes to the store, stays there, and is named.
    ///
    /// - Parameters:
    ///   - expected: The file that is to be taken. Its time is noted wherever it ends up.
    ///   - isDone: It is there already; the process that has moved it may have been killed before it
    ///     looked.
    ///   - refusal: Where it is another one.
    /// - Returns: Nil where it is the right one.
    func take(
        _ name: FileName, in parent: LayerDirectory, as staged: FileName, _ way: Taking,
        _ expected: FileIdentity, isDone: Bool, else refusal: Refusal,
        unless isAnother: (FileStatus) throws(Errno) -> Bool
    ) throws(Errno) -> Refusal? {
        let place = store.directory.borrowed
        if !isDone { try parent.borrowed.rename(name, to: staged, in: place, way.rule) }
        var failure: Errno?
        var isRight = false
        do throws(Errno) {
            isRight = try !isAnother(FileStatus.of(staged, in: place))
        } catch {
            failure = error
        }
        if isRight {
            // It may have other names.
            try note(staged, in: store.directory, of: expected)
            return nil
        }
        do throws(Errno) {
            try place.rename(staged, to: name, in: parent.borrowed, way.rule)
        } catch {
            return left(staged, ": \(error.words)")
        }
        try note(name, in: parent, of: expected)
        if case .exchange(let own) = way, try FileStatus.of(staged, in: place).inode != own {
            return left(staged)
        }
        if let failure { throw failure }
        return refusal
    }

    private func left(_ staged: FileName, _ reason: String = "") -> Refusal {
        .conflict(
            "it changes on the host at this moment, and a file that was there lies in"
                + " \(store.path(of: staged))\(reason)")
    }

    /// Notes the time of a file that this process has moved, where it is the expected one: the change
    /// of another process is not taken for an own one.
    func note(
        _ name: FileName, in parent: LayerDirectory, of expected: FileIdentity
    ) throws(Errno) {
        let status = try FileStatus.of(name, in: parent.borrowed)
        if !expected.isSame(status) { return }
        try note(status)
    }

    func note(_ status: FileStatus) throws(Errno) {
        do throws(Failure) {
            try own.note(status)
        } catch {
            throw error.errno ?? .ioError
        }
    }
}
