internal import LinuxSystem
internal import SystemPackage

// Steps taken back. What lies in the store under a step's number tells how far it is: the old file
// where the step was carried out, the new one where it was not, or is taken back. A third file was
// taken out of the tree by a process that was killed before it looked at it.
extension ApplyExecutor {
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
                return try putBack(path, number, old, isForced)
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
        let staged = ApplyStore.name(number)
        let kept = try store.status(number)
        if let kept, try isTakenBack(kept, new, staged, isForced) { return nil }
        let (parent, name) = try cursor.open(parentOf: path)
        var expected = new
        if kept == nil {
            // The host has removed it.
            guard let found = try AppliedTree.status(name, in: parent.borrowed) else { return nil }
            if !isForced && (found.inode != new.inode || !isOwn(found, new)) {
                return ApplyExecutor.changedSince
            }
            expected = FileIdentity(found)
        }
        return try take(
            name, in: parent, as: staged, .move, new, isDone: kept != nil,
            else: ApplyExecutor.changedSince
        ) { taken throws(Errno) in
            try isForced ? false : isAnother(taken, than: expected, staged)
        }
    }

    private mutating func putBack(
        _ path: LayerPath, _ number: UInt64, _ new: FileIdentity, _ old: FileIdentity,
        _ isForced: Bool
    ) throws(Errno) -> Refusal? {
        let staged = ApplyStore.name(number)
        guard let kept = try store.status(number) else {
            return .failed("the file that was there before the apply is missing from the store")
        }
        if try isTakenBack(kept, new, staged, isForced) { return nil }
        let (parent, name) = try cursor.open(parentOf: path)
        guard let found = try AppliedTree.status(name, in: parent.borrowed) else {
            if !isForced { return ApplyExecutor.changedSince }
            try store.directory.borrowed.rename(
                staged, to: name, in: parent.borrowed, .onlyNew)
            try note(name, in: parent, of: old)
            return nil
        }
        // What was put into the store last goes back, where its place is not another's by now.
        let isBack = found.inode == old.inode && kept.inode != old.inode
        if !isForced && !isBack && (found.inode != new.inode || !isOwn(found, new)) {
            return ApplyExecutor.changedSince
        }
        let expected = isBack ? new : FileIdentity(found)
        let refusal = try take(
            name, in: parent, as: staged, .exchange(isBack ? old.inode : kept.inode), new,
            isDone: isBack,
            else: ApplyExecutor.changedSince
        ) { taken throws(Errno) in
            try isForced ? false : isAnother(taken, than: expected, staged)
        }
        if let refusal { return refusal }
        try note(name, in: parent, of: old)
        return nil
    }

    private mutating func putBack(
        _ path: LayerPath, _ number: UInt64, _ old: FileIdentity, _ isForced: Bool
    ) throws(Errno) -> Refusal? {
        // It was never removed, or is back already.
        guard let kept = try store.status(number) else { return nil }
        let (parent, name) = try cursor.open(parentOf: path)
        // An undo with force that was killed had exchanged them before.
        if kept.inode != old.inode,
            try AppliedTree.status(name, in: parent.borrowed)?.inode == old.inode
        {
            return nil
        }
        let staged = ApplyStore.name(number)
        let place = store.directory.borrowed
        do throws(Errno) {
            try place.rename(staged, to: name, in: parent.borrowed, .onlyNew)
        } catch .fileExists {
            if !isForced {
                return .conflict("a file of that name was made on the host since the apply")
            }
            try place.rename(staged, to: name, in: parent.borrowed, .exchange)
        }
        try note(name, in: parent, of: old)
        return nil
    }

    /// Whether what lies in the store is the new file, as it was put there. A process that was killed
    /// may not have looked at what it has put there.
    private func isTakenBack(
        _ kept: FileStatus, _ new: FileIdentity, _ staged: FileName, _ isForced: Bool
    ) throws(Errno) -> Bool {
        if kept.inode != new.inode { return false }
        if isForced || !isResumed { return true }
        return try !isAnother(kept, than: new, staged)
    }

    /// A directory changes with what is put in it and taken out of it: only its content counts.
    private func isOwn(_ status: FileStatus, _ new: FileIdentity) -> Bool {
        status.kind == .directory || own.isOwn(status) || isResumed && new.isSame(status)
    }

    /// Whether what was taken out of the tree is not what was to be taken out, or something below it
    /// was changed or made by the host.
    private func isAnother(
        _ taken: FileStatus, than expected: FileIdentity, _ name: FileName
    ) throws(Errno) -> Bool {
        if !expected.isSame(taken) { return true }
        return try store.holds(name, taken) { status in
            status.kind == .directory ? !own.knows(status) : !own.isOwn(status)
        }
    }
}
