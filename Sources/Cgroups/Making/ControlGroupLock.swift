internal import LinuxSystem
internal import SystemPackage

/// A lock on a cgroup, and the cgroup's directory.
///
/// Every user of the host can open the directory and most files in it, and flock(2) asks for no more
/// than a descriptor. The lock is therefore on a file that only the owner of the cgroup can open:
/// `cgroup.kill` in version 2, which has the mode 0200. In version 1 it is `notify_on_release`, whose
/// mode is set to 0600.
final class ControlGroupLock: Sendable {
    let path: String
    private let opened: OwnedDescriptor
    private let locked: OwnedDescriptor

    /// Does not wait for another holder.
    ///
    /// - Parameter isNew: This process has made the cgroup, with `newDirectoryMode`.
    /// - Throws: `Errno.wouldBlock` when another runtime process holds the lock,
    ///   `Errno.noSuchFileOrDirectory` when the cgroup is gone.
    init(_ path: String, isVersion2: Bool, isNew: Bool = false) throws(Errno) {
        self.path = path
        opened = try HostPath.open(path, [.readOnly, .directory])
        let directory = opened.borrowed
        locked = try ControlGroupLock.file(in: directory, isVersion2: isVersion2)
        try locked.borrowed.lock(exclusive: true)
        // The process that held the lock may have removed the cgroup.
        guard try FileStatus.of(directory).inode == FileStatus.of(path: path).inode else {
            throw .wouldBlock
        }
        if isNew && !isVersion2 { try directory.changeMode(0o755) }
    }

    /// A user to whom the cgroup of another user has been delegated locks the directory.
    private static func file(
        in directory: FileDescriptor, isVersion2: Bool
    ) throws(Errno) -> OwnedDescriptor {
        do throws(Errno) {
            if isVersion2 { return try directory.open("cgroup.kill", .writeOnly) }
            let file = try directory.open("notify_on_release", .writeOnly)
            try file.borrowed.changeMode(0o600)
            return file
        } catch .permissionDenied {
            return try directory.open(".", [.readOnly, .directory])
        }
    }

    /// The mode to make a directory with. In version 1 no other user may open the file before its
    /// mode is set.
    static func newDirectoryMode(isVersion2: Bool) -> UInt32 { isVersion2 ? 0o755 : 0o700 }

    var directory: FileDescriptor { opened.borrowed }
}
