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
    /// noted nowhere, so that a file is told by its inode and its content.
    let isResumed: Bool

    private var cursor: TreeCursor

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

    private static let changed = Refusal.conflict("it changes on the host at this moment")

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

    private func refusal(_ error: Errno, _ path: LayerPath) throws(Failure) -> Refusal {
        switch error {
        // What makes every further step fail, too.
        case .ioError, .readOnlyFileSystem, .tooManyOpenFiles, .tooManyOpenFilesInSystem,
            .noMemory:
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
        try note(name, in: parent)
        return nil
    }

    private mutating func replace(
        _ path: LayerPath, _ number: UInt64, with new: FileIdentity, over old: FileIdentity
    ) throws(Errno) -> Refusal? {
        let (parent, name) = try cursor.open(parentOf: path)
        guard let found = try AppliedTree.status(name, in: parent.borrowed) else {
            return .conflict("it was removed on the host since the run began")
        }
        let staged = ApplyStore.name(number)
        let place = store.directory.borrowed
        if found.inode != new.inode {
            guard isExpected(found, old) else { return ApplyExecutor.changed }
            try place.rename(staged, to: name, in: parent.borrowed, .exchange)
            let taken = try FileStatus.of(staged, in: place)
            if try isAnother(taken, than: old, staged) {
                try place.rename(staged, to: name, in: parent.borrowed, .exchange)
                return ApplyExecutor.changed
            }
            try note(staged, in: store.directory)
        }
        try note(name, in: parent)
        return nil
    }

    private mutating func delete(
        _ path: LayerPath, _ number: UInt64, _ old: FileIdentity
    ) throws(Errno) -> Refusal? {
        let (parent, name) = try cursor.open(parentOf: path)
        // Nothing is there: the process that was killed has removed it, or the host.
        guard let found = try AppliedTree.status(name, in: parent.borrowed) else { return nil }
        let staged = ApplyStore.name(number)
        let place = store.directory.borrowed
        guard isExpected(found, old) else {
            // Another file of that name was made after the process was killed.
            return ApplyExecutor.changed
        }
        try parent.borrowed.rename(name, to: staged, in: place, .onlyNew)
        let taken = try FileStatus.of(staged, in: place)
        if try isAnother(taken, than: old, staged) {
            try place.rename(staged, to: name, in: parent.borrowed, .onlyNew)
            return ApplyExecutor.changed
        }
        try note(staged, in: store.directory)
        return nil
    }

    /// Whether it is the file that the step was planned for. Of another name of it a step before has
    /// changed the time.
    private func isExpected(_ found: FileStatus, _ old: FileIdentity) -> Bool {
        old.isUnchanged(found) || old.isSame(found) && (isResumed || own.isOwn(found))
    }

    /// Whether what was taken out of the tree is not what was to be taken out.
    private func isAnother(
        _ taken: FileStatus, than old: FileIdentity, _ name: FileName
    ) throws(Errno) -> Bool {
        if !old.isSame(taken) { return true }
        return try hasConflict(name, taken)
    }

    /// Whether something below a directory that was taken out of the tree has changed since it was
    /// looked at.
    private func hasConflict(_ name: FileName, _ status: FileStatus) throws(Errno) -> Bool {
        if status.kind != .directory { return false }
        let opened = try store.directory.borrowed.openBeneath(name, [.readOnly, .directory])
        do throws(Failure) {
            var scan = try TreeScan(LayerDirectory(opened, layer: 0), .root)
            while let (_, status) = try scan.next() {
                if conflict(status) != nil { return true }
            }
            return false
        } catch {
            throw error.errno ?? .invalidArgument
        }
    }

    private func note(_ name: FileName, in parent: LayerDirectory) throws(Errno) {
        let status = try FileStatus.of(name, in: parent.borrowed)
        do throws(Failure) {
            try own.note(status)
        } catch {
            throw error.errno ?? .ioError
        }
    }

    // MARK: Back

    /// - Parameter isForced: Changes that were made since are lost.
    mutating func takeBack(
        _ step: ApplyStep, isForced: Bool
    ) throws(Failure) -> Refusal? {
        do throws(Errno) {
            switch step {
            case .add(let path, let number, let new):
                return try removeAgain(path, number, new, isForced)
            case .replace(let path, let number, let new, let old):
                return try putBack(path, number, new, old, isForced)
            case .delete(let path, let number, let old):
                return try putBack(path, number, old)
            case .attributes(let path, let old, let before, let after):
                return try change(path, old, from: after, to: before, isForced: isForced)
            }
        } catch {
            return try refusal(error, step.path)
        }
    }

    private static let changedSince = Refusal.conflict("it has changed on the host since the apply")

    private mutating func removeAgain(
        _ path: LayerPath, _ number: UInt64, _ new: FileIdentity, _ isForced: Bool
    ) throws(Errno) -> Refusal? {
        if let there = try store.status(number), there.inode == new.inode { return nil }
        let (parent, name) = try cursor.open(parentOf: path)
        guard let found = try AppliedTree.status(name, in: parent.borrowed),
            found.inode == new.inode
        else { return ApplyExecutor.changedSince }
        let place = store.directory.borrowed
        let staged = ApplyStore.name(number)
        if !isForced && !isOwn(found, new) { return ApplyExecutor.changedSince }
        try parent.borrowed.rename(name, to: staged, in: place, .onlyNew)
        let isChanged = try isForced ? false : hasChangedSince(staged, found)
        if isChanged {
            try place.rename(staged, to: name, in: parent.borrowed, .onlyNew)
            try note(name, in: parent)
            return ApplyExecutor.changedSince
        }
        // It may have other names.
        try note(staged, in: store.directory)
        return nil
    }

    private mutating func putBack(
        _ path: LayerPath, _ number: UInt64, _ new: FileIdentity, _ old: FileIdentity,
        _ isForced: Bool
    ) throws(Errno) -> Refusal? {
        let staged = ApplyStore.name(number)
        let place = store.directory.borrowed
        // It was never put there, or is back already.
        guard let kept = try store.status(number), kept.inode == old.inode else { return nil }
        let (parent, name) = try cursor.open(parentOf: path)
        guard let found = try AppliedTree.status(name, in: parent.borrowed) else {
            if !isForced { return ApplyExecutor.changedSince }
            try place.rename(staged, to: name, in: parent.borrowed, .onlyNew)
            try note(name, in: parent)
            return nil
        }
        if !isForced && (found.inode != new.inode || !isOwn(found, new)) {
            return ApplyExecutor.changedSince
        }
        try place.rename(staged, to: name, in: parent.borrowed, .exchange)
        let taken = try FileStatus.of(staged, in: place)
        let isAnother = taken.inode != new.inode
        let isChanged = try isForced ? false : isAnother ? true : hasChangedSince(staged, taken)
        if isChanged {
            try place.rename(staged, to: name, in: parent.borrowed, .exchange)
            try note(name, in: parent)
            return ApplyExecutor.changedSince
        }
        try note(staged, in: store.directory)
        try note(name, in: parent)
        return nil
    }

    private mutating func putBack(
        _ path: LayerPath, _ number: UInt64, _ old: FileIdentity
    ) throws(Errno) -> Refusal? {
        guard let kept = try store.status(number), kept.inode == old.inode else { return nil }
        let (parent, name) = try cursor.open(parentOf: path)
        do throws(Errno) {
            try store.directory.borrowed.rename(
                ApplyStore.name(number), to: name, in: parent.borrowed, .onlyNew)
        } catch .fileExists {
            return .conflict("a file of that name was made on the host since the apply")
        }
        try note(name, in: parent)
        return nil
    }

    /// A directory changes with what is put in it and taken out of it: only its content counts.
    private func isOwn(_ status: FileStatus, _ new: FileIdentity) -> Bool {
        status.kind == .directory || own.isOwn(status) || isResumed && new.isSame(status)
    }

    /// Whether something below a directory of an apply was changed or made by the host.
    private func hasChangedSince(_ name: FileName, _ status: FileStatus) throws(Errno) -> Bool {
        if status.kind != .directory { return false }
        let opened = try store.directory.borrowed.openBeneath(name, [.readOnly, .directory])
        do throws(Failure) {
            var scan = try TreeScan(LayerDirectory(opened, layer: 0), .root)
            while let (_, status) = try scan.next() {
                let isKnown =
                    status.kind == .directory ? own.knows(status) : own.isOwn(status)
                if !isKnown { return true }
            }
            return false
        } catch {
            throw error.errno ?? .invalidArgument
        }
    }

    // MARK: Attributes

    private mutating func open(
        _ path: LayerPath, _ kind: FileKind
    ) throws(Errno) -> LayerDirectory {
        if kind == .directory { return try cursor.open(directory: path) }
        let (parent, name) = try cursor.open(parentOf: path)
        return LayerDirectory(try parent.borrowed.openBeneath(name, .path), layer: 0)
    }

    /// By the descriptor of the file. `to` may be there in part already.
    private mutating func change(
        _ path: LayerPath, _ identity: FileIdentity, from: FileAttributes, to: FileAttributes,
        isForced: Bool
    ) throws(Errno) -> Refusal? {
        let file = try open(path, identity.kind)
        let status = try FileStatus.of(file.borrowed)
        if status.inode != identity.inode || status.kind != identity.kind {
            return ApplyExecutor.changed
        }
        if !isForced && !identity.isUnchanged(status) && !own.isOwn(status) {
            // A process that was killed may have done a part.
            let isPart =
                [from.mode, to.mode].contains(status.permissions)
                && [from.user, to.user].contains(status.userID)
                && [from.group, to.group].contains(status.groupID)
            let isContent =
                status.kind == .directory
                || [identity.modified, from.modified, to.modified].contains(status.modified)
            if !isPart || !isContent { return ApplyExecutor.changed }
        }
        if to.user != status.userID || to.group != status.groupID {
            try file.borrowed.changeOwnerOfHandle(user: to.user, group: to.group)
        }
        if try FileStatus.of(file.borrowed).permissions != to.mode {
            try file.borrowed.changeModeOfHandle(to.mode)
        }
        for attribute in to.values {
            try file.borrowed.setAttribute(attribute.name, attribute.value, of: .itself)
        }
        for name in to.absent {
            do throws(Errno) {
                try file.borrowed.removeAttribute(name, of: .itself)
            } catch .noData {
            }
        }
        if let time = to.modified, identity.kind != .directory {
            try file.borrowed.changeTimeOfHandle(time)
        }
        do throws(Failure) {
            try own.note(try attempt("fstat", on: path, try FileStatus.of(file.borrowed)))
        } catch {
            throw error.errno ?? .ioError
        }
        return nil
    }

    /// Sets the time of a directory, when nothing is put in it or taken out of it any more.
    ///
    /// - Parameter expected: Not where it has another time by now; nil: always.
    mutating func setTime(
        of path: LayerPath, _ identity: FileIdentity, to time: FileTime
    ) throws(Failure) {
        do throws(Errno) {
            let directory = try cursor.open(directory: path)
            if try FileStatus.of(directory.borrowed).inode != identity.inode { return }
            try directory.borrowed.changeTimeOfHandle(time)
            do throws(Failure) {
                try own.note(
                    try attempt("fstat", on: path, try FileStatus.of(directory.borrowed)))
            } catch {
                throw error.errno ?? .ioError
            }
        } catch {
            // A time alone is no reason to fail.
            if let refusal = try? refusal(error, path), case .conflict = refusal { return }
            throw Failure("utimensat", path.quoted, error)
        }
    }
}
