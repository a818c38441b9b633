internal import CLinux
internal import Glibc
public import SystemPackage

/// More of what can be done with a name in an open directory.
extension FileDescriptor {
    /// Opens the regular file `name` for reading, and nothing else: to open a device or a FIFO may
    /// do something.
    ///
    /// - Throws: `Errno.invalidArgument` for another kind of file.
    ///
    /// The corresponding C function is `openat`, twice: the second time of a handle that is known.
    public func openRegular(_ name: FileName) throws(Errno) -> OwnedDescriptor {
        let handle = try open(name, .path)
        if try FileStatus.of(handle.borrowed).kind != .regular { throw .invalidArgument }
        return try HostPath.open("/proc/self/fd/\(handle.borrowed.rawValue)", .readOnly)
    }

    /// An empty directory. The corresponding C function is `unlinkat` with `AT_REMOVEDIR`.
    public func removeDirectory(_ name: FileName) throws(Errno) {
        try checkDone(unsafe unlinkat(rawValue, name.characters, AT_REMOVEDIR))
    }

    /// Each of two names in this directory becomes the other file's, in one go. The corresponding C
    /// function is `renameat2` with `RENAME_EXCHANGE`.
    public func exchange(_ one: FileName, with other: FileName) throws(Errno) {
        try checkDone(unsafe clinux_exchange(rawValue, one.characters, other.characters))
    }

    /// Makes a file in this directory that has no name, to be written and, where that is asked for,
    /// read. The corresponding C function is `openat` with `O_TMPFILE`.
    ///
    /// - Throws: `Errno.notSupported`, `Errno.isDirectory` where the file system has none.
    public func makeNamelessFile(
        mode: UInt32, readable: Bool = false
    ) throws(Errno) -> OwnedDescriptor {
        let access = readable ? O_RDWR : O_WRONLY
        return try OwnedDescriptor.adopt(
            unsafe openat(rawValue, ".", CInt(CLINUX_O_TMPFILE) | access | O_CLOEXEC, mode))
    }

    /// Gives an open file without a name one. The corresponding C function is `linkat` with
    /// `AT_SYMLINK_FOLLOW`.
    public func makeLink(_ name: FileName, toOpen file: FileDescriptor) throws(Errno) {
        try checkDone(
            unsafe linkat(
                AT_FDCWD, "/proc/self/fd/\(file.rawValue)", rawValue, name.characters,
                AT_SYMLINK_FOLLOW))
    }
}

extension FileTime: Comparable {
    public static func < (one: FileTime, other: FileTime) -> Bool {
        (one.seconds, one.nanoseconds) < (other.seconds, other.nanoseconds)
    }
}
