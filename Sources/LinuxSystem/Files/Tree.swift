internal import CLinux
internal import Glibc
public import SystemPackage

/// Files made in an open directory under names that are bytes. Nothing here follows a symbolic
/// link in the name.
extension FileDescriptor {
    /// A handle on the directory `name`, to reach what is in it.
    ///
    /// - Throws: `Errno.notDirectory` for everything else, a symbolic link too.
    ///
    /// The corresponding C function is `openat` with `O_PATH`.
    public func enter(_ name: FileName) throws(Errno) -> OwnedDescriptor {
        let flags: OpenFlags = [.path, .directory]
        return try OwnedDescriptor.adopt(
            unsafe openat(rawValue, name.characters, flags.rawValue | O_CLOEXEC | O_NOFOLLOW))
    }

    /// The corresponding C function is `openat`; `O_CLOEXEC` and `O_NOFOLLOW` are added.
    public func open(
        _ name: FileName, _ flags: OpenFlags, mode: UInt32 = 0
    ) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.adopt(
            unsafe openat(
                rawValue, name.characters, flags.rawValue | O_CLOEXEC | O_NOFOLLOW, mode))
    }

    /// The corresponding C function is `mkdirat`.
    public func makeDirectory(_ name: FileName, mode: UInt32) throws(Errno) {
        try checkDone(unsafe mkdirat(rawValue, name.characters, mode))
    }

    /// - Parameter target: Bytes without a NUL.
    ///
    /// The corresponding C function is `symlinkat`.
    public func makeSymbolicLink(_ name: FileName, to target: [UInt8]) throws(Errno) {
        let text = target.map(CChar.init(bitPattern:)) + [0]
        try checkDone(unsafe symlinkat(text, rawValue, name.characters))
    }

    /// Gives the file `target` of `directory` another name here. The corresponding C function is
    /// `linkat`.
    public func makeLink(
        _ name: FileName, to target: FileName, in directory: FileDescriptor
    ) throws(Errno) {
        try checkDone(
            unsafe linkat(directory.rawValue, target.characters, rawValue, name.characters, 0))
    }

    /// - Parameter mode: File type and permission bits.
    ///
    /// The corresponding C function is `mknodat`.
    public func makeNode(_ name: FileName, mode: UInt32, device: DeviceNumber) throws(Errno) {
        try checkDone(
            unsafe clinux_mknodat(
                rawValue, name.characters, mode, device.major, device.minor))
    }

    /// The corresponding C function is `fchownat` with `AT_SYMLINK_NOFOLLOW`.
    public func changeOwner(_ name: FileName, user: UInt32, group: UInt32) throws(Errno) {
        try checkDone(
            unsafe fchownat(rawValue, name.characters, user, group, AT_SYMLINK_NOFOLLOW))
    }

    /// For a name that is known not to be a symbolic link. The corresponding C function is
    /// `fchmodat`.
    public func changeMode(_ name: FileName, _ mode: UInt32) throws(Errno) {
        try checkDone(unsafe fchmodat(rawValue, name.characters, mode, 0))
    }

    /// Sets the time of the last change, and of the last access to the same. The corresponding C
    /// function is `utimensat` with `AT_SYMLINK_NOFOLLOW`.
    public func changeTimes(_ name: FileName, to time: FileTime) throws(Errno) {
        let both = [time.timespec, time.timespec]
        try checkDone(
            unsafe utimensat(rawValue, name.characters, both, AT_SYMLINK_NOFOLLOW))
    }

    /// The corresponding C function is `unlinkat`.
    public func remove(_ name: FileName) throws(Errno) {
        try checkDone(unsafe unlinkat(rawValue, name.characters, 0))
    }

    /// As `entries`, but bytes.
    public func names() throws(Errno) -> [FileName] {
        var names: [FileName] = []
        var stream: UnsafeMutableRawPointer?
        while let name = unsafe clinux_next_entry(rawValue, &stream) {
            unsafe names.append(FileName(name))
        }
        if errno != 0 { throw Errno(rawValue: errno) }
        return names
    }

    /// The target of the symbolic link `name`, at most 4,096 bytes. The corresponding C function
    /// is `readlinkat`.
    public func linkTarget(_ name: FileName) throws(Errno) -> [UInt8] {
        var target = [CChar](repeating: 0, count: 4096)
        let length = try check(
            unsafe readlinkat(rawValue, name.characters, &target, target.count))
        return target[..<length].map(UInt8.init(bitPattern:))
    }

    /// Gives the file `name` the place of `other` in `directory`. The corresponding C function is
    /// `renameat`.
    public func rename(
        _ name: FileName, to other: FileName, in directory: FileDescriptor
    ) throws(Errno) {
        try checkDone(
            unsafe renameat(rawValue, name.characters, directory.rawValue, other.characters))
    }

    /// Sets an extended attribute of `name`, a symbolic link's own too.
    ///
    /// The corresponding C function is `lsetxattr`, by way of `/proc/self/fd`.
    public func setAttribute(
        of name: FileName, _ attribute: String, _ value: [UInt8]
    ) throws(Errno) {
        let path = Array("/proc/self/fd/\(rawValue)/".utf8CString.dropLast()) + name.characters
        try checkDone(unsafe clinux_lsetxattr(path, attribute, value, value.count))
    }

    /// An extended attribute of `name` itself, at most 64 bytes; nil where there is none.
    ///
    /// The corresponding C function is `lgetxattr`, by way of `/proc/self/fd`.
    public func attribute(of name: FileName, _ attribute: String) -> [UInt8]? {
        let path = Array("/proc/self/fd/\(rawValue)/".utf8CString.dropLast()) + name.characters
        var value = [UInt8](repeating: 0, count: 64)
        let length = unsafe clinux_lgetxattr(path, attribute, &value, value.count)
        return length < 0 ? nil : Array(value[..<length])
    }
}

/// An open file that is being filled.
extension FileDescriptor {
    /// Writes all of `bytes` where the file's offset is. The corresponding C function is `write`.
    @unsafe
    public func writeAll(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let count = try retryOnInterrupt {
                unsafe Glibc.write(rawValue, rest.baseAddress, rest.count)
            }
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// The corresponding C function is `read`.
    ///
    /// - Returns: How many bytes there were; 0 at the end.
    @unsafe
    public func readInto(_ buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        try retryOnInterrupt { unsafe Glibc.read(rawValue, buffer.baseAddress, buffer.count) }
    }

    /// At most `count` bytes from the file's offset on. The corresponding C function is `read`.
    public func readBytes(upTo count: Int) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = try retryOnInterrupt {
                unsafe bytes.withUnsafeMutableBytes {
                    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: $0[done...])
                    return unsafe Glibc.read(rawValue, rest.baseAddress, rest.count)
                }
            }
            if got == 0 { break }
            done += got
        }
        bytes.removeLast(count - done)
        return bytes
    }

    /// The corresponding C function is `lseek` with `SEEK_SET`.
    public func moveOffset(to offset: Int64) throws(Errno) {
        _ = try check(Glibc.lseek(rawValue, off_t(offset), SEEK_SET))
    }

    /// The corresponding C function is `ftruncate`.
    public func setSize(_ size: Int64) throws(Errno) {
        try checkDone(ftruncate(rawValue, off_t(size)))
    }

    /// The corresponding C function is `fchown`.
    public func changeOwner(user: UInt32, group: UInt32) throws(Errno) {
        try checkDone(fchown(rawValue, user, group))
    }

    /// The corresponding C function is `fchmod`.
    public func changeMode(_ mode: UInt32) throws(Errno) {
        try checkDone(fchmod(rawValue, mode))
    }

    /// The corresponding C function is `futimens`.
    public func changeTimes(to time: FileTime) throws(Errno) {
        let both = [time.timespec, time.timespec]
        try checkDone(unsafe futimens(rawValue, both))
    }

    /// The corresponding C function is `fsetxattr`.
    public func setAttribute(_ name: String, bytes: [UInt8]) throws(Errno) {
        try checkDone(unsafe clinux_fsetxattr(rawValue, name, bytes, bytes.count))
    }

    /// The corresponding C function is `fsync`.
    public func synchronize() throws(Errno) {
        try checkDone(fsync(rawValue))
    }

    /// Everything that was written on the file system of this file is on its disk afterwards. The
    /// corresponding C function is `syncfs`.
    public func synchronizeFileSystem() throws(Errno) {
        try checkDone(clinux_syncfs(rawValue))
    }
}

extension FileStatus {
    /// The corresponding C function is `fstatat` with `AT_SYMLINK_NOFOLLOW`.
    public static func of(
        _ name: FileName, in directory: FileDescriptor
    ) throws(Errno) -> FileStatus {
        var found = stat()
        try checkDone(
            unsafe fstatat(directory.rawValue, name.characters, &found, AT_SYMLINK_NOFOLLOW))
        return FileStatus(found)
    }
}

/// Seconds and nanoseconds since the start of 1970.
public struct FileTime: Sendable, Hashable {
    public var seconds: Int64
    public var nanoseconds: Int64

    public init(seconds: Int64, nanoseconds: Int64) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    var timespec: Glibc.timespec {
        Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
    }
}
