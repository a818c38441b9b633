internal import CLinux
internal import Glibc
public import SystemPackage

/// Directories for the files of containers and images: what comes from an image has the image's
/// attributes, whatever directory of the host it lies in.
extension FileDescriptor {
    /// Makes a directory that has nothing of the one it lies in: no group by a set-gid bit, no
    /// access list by a default one, and exactly this mode whatever the umask is.
    public func makePlainDirectory(
        _ name: FileName, mode: UInt32
    ) throws(Errno) -> OwnedDescriptor {
        try makeDirectory(name, mode: 0o700)
        do throws(Errno) {
            let made = try open(name, [.readOnly, .directory])
            // Where others may write, another directory may stand there by now.
            if try !FileStatus.of(made.borrowed).isOwned { throw .notPermitted }
            try made.borrowed.makePlain(mode: mode)
            return made
        } catch {
            // It is empty. The error is what counts.
            _ = unsafe unlinkat(rawValue, name.characters, AT_REMOVEDIR)
            throw error
        }
    }

    /// Opens a directory in this one, or makes it as `makePlainDirectory` does. No link is followed.
    public func openOrMake(_ name: String, mode: UInt32) throws(Errno) -> OwnedDescriptor {
        guard let name = FileName(name) else { throw .invalidArgument }
        do throws(Errno) {
            return try makePlainDirectory(name, mode: mode)
        } catch .fileExists {
            return try open(name, [.readOnly, .directory])
        }
    }

    /// Takes away what this open directory of the process's own has inherited.
    public func makePlain(mode: UInt32) throws(Errno) {
        for list in ["system.posix_acl_default", "system.posix_acl_access"] {
            do throws(Errno) {
                try removeAttribute(list)
            } catch .noData {
            } catch .notSupported {
            }
        }
        if try FileStatus.of(self).groupID != Credentials.effectiveGroup {
            try changeOwner(user: Credentials.effectiveUser, group: Credentials.effectiveGroup)
        }
        try changeMode(mode)
    }

    /// The corresponding C function is `fremovexattr`.
    func removeAttribute(_ name: String) throws(Errno) {
        try checkDone(unsafe clinux_fremovexattr(rawValue, name))
    }

    /// Locks one byte of this open file, without waiting. The lock belongs to the open file, not to
    /// the process, and the byte need not be there.
    ///
    /// - Throws: `Errno.wouldBlock` when another open file of the same file holds it.
    ///
    /// The corresponding C function is `fcntl` with `F_OFD_SETLK`.
    public func lock(byte place: Int64, exclusive: Bool) throws(Errno) {
        do throws(Errno) {
            try checkDone(clinux_lock_byte(rawValue, place, exclusive ? 1 : 0))
        } catch .permissionDenied {
            // fcntl(2) has both.
            throw .wouldBlock
        }
    }
}

extension FileDescriptor {
    /// Opens a file in this directory that must be a regular one of this user's own, which no one
    /// else may write to.
    ///
    /// - Throws: `Errno.notPermitted` where it is not.
    public func openOwn(_ name: String) throws(Errno) -> OwnedDescriptor {
        // Without waiting for the writer of a FIFO.
        let file = try open(name, [.readOnly, .nonBlocking, .noControllingTerminal])
        let status = try FileStatus.of(file.borrowed)
        if status.kind != .regular || !status.isOwn { throw .notPermitted }
        return file
    }
}

extension FileStatus {
    /// Whether this process's user owns it and no other user may write to it. Entries of an access
    /// list that allow writing show in the group's bits.
    public var isOwn: Bool { isOwned && permissions & 0o022 == 0 }

    /// Whether this process's user owns it.
    public var isOwned: Bool { userID == Credentials.effectiveUser }

    /// Whether this and another one are of the same file.
    public func isSame(as other: FileStatus) -> Bool {
        inode == other.inode && device == other.device
    }

    /// Why a file that must be this user's own is not, for a sentence; nil where it is.
    public var foreignness: String? {
        if !isOwned {
            return "it belongs to the user \(userID), and this process runs as"
                + " \(Credentials.effectiveUser)"
        }
        if permissions & 0o022 != 0 { return "others may write to it" }
        return nil
    }
}
