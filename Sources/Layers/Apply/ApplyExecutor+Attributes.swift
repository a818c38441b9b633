internal import LinuxSystem
internal import SystemPackage

// Mode, owner, extended attributes and times of files and directories that stay.
extension ApplyExecutor {
    private mutating func open(
        _ path: LayerPath, _ kind: FileKind
    ) throws(Errno) -> LayerDirectory {
        if kind == .directory { return try cursor.open(directory: path) }
        let (parent, name) = try cursor.open(parentOf: path)
        return LayerDirectory(try parent.borrowed.openBeneath(name, .path), layer: 0)
    }

    /// By the descriptor of the file. `to` may be there in part already.
    mutating func change(
        _ path: LayerPath, _ identity: FileIdentity, from: FileAttributes, to: FileAttributes,
        isForced: Bool
    ) throws(Errno) -> Refusal? {
        let file = try open(path, identity.kind)
        let status = try FileStatus.of(file.borrowed)
        if status.inode != identity.inode || status.kind != identity.kind {
            return ApplyExecutor.changed
        }
        if !isForced && !identity.isUnchanged(status) && !own.isOwn(status) {
            // Of a directory every change in it sets the time.
            let mayBePart = isResumed || status.kind == .directory
            if !mayBePart || !isPart(status, identity, from, to) { return ApplyExecutor.changed }
        }
        try set(to, on: file.borrowed, status)
        let now = try FileStatus.of(file.borrowed)
        let isContent = now.kind == .directory || now.size == identity.size
        if isContent && now.modified == to.modified ?? now.modified { try note(now) }
        return nil
    }

    /// Whether the file has the content that it had, and each attribute is the one before or the one
    /// after: a process that was killed may have set some.
    private func isPart(
        _ status: FileStatus, _ identity: FileIdentity, _ from: FileAttributes,
        _ to: FileAttributes
    ) -> Bool {
        let isContent =
            status.kind == .directory
            || status.size == identity.size
                && [identity.modified, from.modified, to.modified].contains(status.modified)
        let modes = [from.mode, to.mode, from.mode | 0o200, to.mode | 0o200]
        return isContent && modes.contains(status.permissions)
            && [from.user, to.user].contains(status.userID)
            && [from.group, to.group].contains(status.groupID)
    }

    private func set(
        _ wanted: FileAttributes, on file: FileDescriptor, _ status: FileStatus
    ) throws(Errno) {
        if wanted.user != status.userID || wanted.group != status.groupID {
            try file.changeOwnerOfHandle(user: wanted.user, group: wanted.group)
        }
        // An ordinary user sets attributes on files that may be written to.
        let setsAttributes = !wanted.values.isEmpty || !wanted.absent.isEmpty
        if setsAttributes && status.permissions & 0o200 == 0 {
            try file.changeModeOfHandle(status.permissions | 0o200)
        }
        for attribute in wanted.values {
            try file.setAttribute(attribute.name, attribute.value, of: .itself)
        }
        for name in wanted.absent {
            do throws(Errno) {
                try file.removeAttribute(name, of: .itself)
            } catch .noData {
            }
        }
        if try FileStatus.of(file).permissions != wanted.mode {
            try file.changeModeOfHandle(wanted.mode)
        }
        if let time = wanted.modified, status.kind != .directory {
            try file.changeTimeOfHandle(time)
        }
    }

    /// Sets the time of a directory, when nothing is put in it or taken out of it any more.
    mutating func setTime(
        of path: LayerPath, _ identity: FileIdentity, to time: FileTime
    ) throws(Failure) {
        do throws(Errno) {
            let directory = try cursor.open(directory: path)
            if try FileStatus.of(directory.borrowed).inode != identity.inode { return }
            try directory.borrowed.changeTimeOfHandle(time)
            try note(FileStatus.of(directory.borrowed))
        } catch {
            // A time alone is no reason to fail.
            if case .conflict = try refusal(error, path) { return }
            throw Failure("utimensat", path.quoted, error)
        }
    }
}
