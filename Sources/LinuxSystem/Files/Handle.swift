internal import CLinux
internal import Glibc
public import SystemPackage

/// Changing a tree of the host whose other users may rename what is in it at any time: everything is
/// reached from an open directory, name by name, and changed by its descriptor.
extension FileDescriptor {
    /// Opens `name` in this directory: no symbolic link, and nothing that is mounted there.
    ///
    /// - Throws: `Errno.improperLink` for a mount point, `Errno.tooManySymbolicLinkLevels` for a
    ///   symbolic link.
    ///
    /// The corresponding C function is `openat2` with `RESOLVE_BENEATH`, `RESOLVE_NO_SYMLINKS` and
    /// `RESOLVE_NO_XDEV`.
    public func openBeneath(
        _ name: FileName, _ flags: OpenFlags
    ) throws(Errno) -> OwnedDescriptor {
        let resolve =
            CLINUX_RESOLVE_BENEATH | CLINUX_RESOLVE_NO_SYMLINKS | CLINUX_RESOLVE_NO_MAGICLINKS
            | CLINUX_RESOLVE_NO_XDEV
        // EAGAIN: the kernel saw a rename while it looked; it says try again.
        for _ in 0..<128 {
            let result = unsafe clinux_openat2(
                rawValue, name.characters,
                UInt64(UInt32(bitPattern: flags.rawValue | O_CLOEXEC | O_NOFOLLOW)), 0,
                UInt64(resolve))
            if result >= 0 { return OwnedDescriptor(FileDescriptor(rawValue: result)) }
            let error = errno
            if error != EAGAIN && error != EINTR { throw Errno(rawValue: error) }
        }
        throw .resourceTemporarilyUnavailable
    }

    /// The destination of a rename.
    public enum RenameRule: Sendable {
        /// There is nothing of that name: `Errno.fileExists` otherwise. The corresponding C constant
        /// is `RENAME_NOREPLACE`.
        case onlyNew
        /// The two files change places. The corresponding C constant is `RENAME_EXCHANGE`.
        case exchange
    }

    /// The corresponding C function is `renameat2`.
    public func rename(
        _ name: FileName, to other: FileName, in directory: FileDescriptor, _ rule: RenameRule
    ) throws(Errno) {
        let flags = rule == .exchange ? CLINUX_RENAME_EXCHANGE : CLINUX_RENAME_NOREPLACE
        try checkDone(
            unsafe clinux_rename(
                rawValue, name.characters, directory.rawValue, other.characters,
                UInt32(flags)))
    }

    /// Of a handle too. The corresponding C function is `fchownat` with `AT_EMPTY_PATH`.
    public func changeOwnerOfHandle(user: UInt32, group: UInt32) throws(Errno) {
        try checkDone(clinux_change_owner(rawValue, user, group))
    }

    /// Of a handle on a directory or a regular file. The corresponding C function is `chmod`, by way
    /// of `/proc/self/fd`.
    public func changeModeOfHandle(_ mode: UInt32) throws(Errno) {
        try HostPath.changeMode("/proc/self/fd/\(rawValue)", mode)
    }

    /// Of a handle on a directory or a regular file: when its content has changed last. The
    /// corresponding C function is `utimensat`, by way of `/proc/self/fd`.
    public func changeTimeOfHandle(_ time: FileTime) throws(Errno) {
        try checkDone(clinux_change_time(rawValue, time.seconds, time.nanoseconds))
    }

    /// An attribute of `name`, or with `FileName.itself` of the open file. The corresponding C
    /// function is `lremovexattr`.
    public func removeAttribute(_ attribute: String, of name: FileName) throws(Errno) {
        try checkDone(unsafe clinux_remove_attribute(rawValue, name.characters, attribute))
    }

    /// Fills this new file with the first `size` bytes of `source`: by a clone where the file system
    /// has such. The corresponding C function is `ioctl` with `FICLONE`, or `sendfile`.
    public func copyFile(from source: FileDescriptor, size: Int64) throws(Errno) {
        try checkDone(clinux_copy_file(source.rawValue, rawValue, size))
    }

    /// Fills a buffer of `count` bytes from `offset` on, as far as the file reaches. The
    /// corresponding C function is `pread`.
    public func readBytes(upTo count: Int, at offset: Int64) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = try retryOnInterrupt {
                unsafe bytes.withUnsafeMutableBytes {
                    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: $0[done...])
                    return unsafe Glibc.pread(
                        rawValue, rest.baseAddress, rest.count, off_t(offset) + off_t(done))
                }
            }
            if got == 0 { break }
            done += got
        }
        bytes.removeLast(count - done)
        return bytes
    }
}
