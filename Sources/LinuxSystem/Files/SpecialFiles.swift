internal import Glibc
public import SystemPackage

extension FileDescriptor {
    /// Removes what is neither a regular file nor a directory from the tree below this directory, and
    /// gives the rest to this process's user, regular files without set-id bits: by descriptors, no
    /// link followed.
    ///
    /// A directory whose mode keeps its owner out is opened to its owner.
    ///
    /// - Throws: `Errno.tooManySymbolicLinkLevels` where the tree is nested deeper than
    ///   `TreeSize.deepest`, `EXDEV` at another file system in the tree.
    ///
    /// The corresponding C functions are `openat`, `getdents64`, `fstatat`, `unlinkat`, `fchownat`
    /// and `fchmodat`.
    public func removeSpecialFiles() throws(Errno) {
        let device = try FileStatus.of(self).device
        var levels = [try TreeLevel(OwnedDescriptor.duplicate(self))]
        while let level = levels.last {
            try Interruption.check()
            guard let name = level.next() else {
                levels.removeLast()
                continue
            }
            guard let status = try unlessMissing(try FileStatus.of(name, in: level.descriptor))
            else { continue }
            if status.device != device { throw Errno(rawValue: EXDEV) }
            if status.kind != .regular && status.kind != .directory {
                try level.descriptor.remove(name)
                continue
            }
            if !status.isOwned {
                try level.descriptor.changeOwner(
                    name, user: Credentials.effectiveUser, group: Credentials.effectiveGroup)
            }
            if status.kind == .regular && status.permissions & 0o6000 != 0 {
                try level.descriptor.changeMode(name, status.permissions & 0o777)
            }
            guard status.kind == .directory else { continue }
            if levels.count >= TreeSize.deepest { throw .tooManySymbolicLinkLevels }
            levels.append(try TreeLevel(level.descriptor.openToEmpty(name)))
        }
    }
}
