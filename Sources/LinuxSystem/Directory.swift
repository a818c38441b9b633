internal import CLinux
internal import Glibc
public import SystemPackage

/// Names made in a directory that is already open. None of them follows a
/// symbolic link in the last component.
extension FileDescriptor {
    /// The corresponding C function is `mkdirat`.
    public func makeDirectory(_ name: String, mode: UInt32) throws(Errno) {
        try checkDone(unsafe mkdirat(rawValue, name, mode))
    }

    /// The corresponding C function is `symlinkat`.
    public func makeSymbolicLink(_ name: String, to target: String) throws(Errno) {
        try checkDone(unsafe symlinkat(target, rawValue, name))
    }

    /// The corresponding C function is `mknodat`.
    ///
    /// - Parameter mode: File type and permission bits.
    public func makeNode(
        _ name: String, mode: UInt32, device: DeviceNumber
    ) throws(Errno) {
        try checkDone(
            unsafe clinux_mknodat(rawValue, name, mode, device.major, device.minor))
    }

    /// The corresponding C function is `fchownat` with `AT_SYMLINK_NOFOLLOW`.
    public func changeOwner(_ name: String, user: UInt32, group: UInt32) throws(Errno) {
        try checkDone(unsafe fchownat(rawValue, name, user, group, AT_SYMLINK_NOFOLLOW))
    }

    /// The corresponding C function is `openat`; `O_CLOEXEC` and `O_NOFOLLOW` are added.
    public func open(_ name: String, _ flags: OpenFlags, mode: UInt32 = 0) throws(Errno)
        -> OwnedDescriptor
    {
        try OwnedDescriptor.adopt(
            unsafe openat(rawValue, name, flags.rawValue | O_CLOEXEC | O_NOFOLLOW, mode))
    }

    /// The corresponding C function is `flock`, without waiting.
    ///
    /// - Throws: `Errno.wouldBlock` when somebody else holds it.
    public func lock(exclusive: Bool) throws(Errno) {
        try checkDone(flock(rawValue, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB))
    }

    /// The target of a symbolic link opened with `O_PATH | O_NOFOLLOW`, or of `name` in a
    /// directory. At most 4,096 bytes. The corresponding C function is `readlinkat`.
    public func linkTarget(_ name: String = "") throws(Errno) -> String {
        var target = [CChar](repeating: 0, count: 4096)
        let length = try check(unsafe readlinkat(rawValue, name, &target, target.count))
        return String(decoding: target[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// Paths of the host, which the caller has to trust.
public enum HostPath {
    /// Opens a path of the host, following links. The corresponding C function is `open`.
    public static func open(
        _ path: String, _ flags: OpenFlags, mode: UInt32 = 0
    ) throws(Errno) -> OwnedDescriptor {
        let result = try retryOnInterrupt {
            unsafe Glibc.open(path, flags.rawValue | O_CLOEXEC, mode)
        }
        return OwnedDescriptor(FileDescriptor(rawValue: result))
    }

    /// The whole of a file.
    ///
    /// - Parameter limit: More bytes than this are `EFBIG`.
    public static func read(_ path: String, limit: Int = 16 << 20) throws(Errno) -> [UInt8] {
        let file = try open(path, [.readOnly, .noControllingTerminal])
        return try file.borrowed.readAll(limit: limit)
    }

    /// Makes a directory and its parents. The corresponding C function is `mkdir`.
    public static func makeDirectories(_ path: String, mode: UInt32) throws(Errno) {
        if unsafe mkdir(path, mode) == 0 || errno == EEXIST { return }
        if errno != ENOENT { throw Errno(rawValue: errno) }
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw .noSuchFileOrDirectory
        }
        try makeDirectories(String(path[..<slash]), mode: mode)
        if unsafe mkdir(path, mode) != 0 && errno != EEXIST { throw Errno(rawValue: errno) }
    }

    /// Makes one directory. The corresponding C function is `mkdir`.
    public static func makeDirectory(_ path: String, mode: UInt32) throws(Errno) {
        try checkDone(unsafe mkdir(path, mode))
    }

    /// The corresponding C function is `rmdir`.
    public static func removeDirectory(_ path: String) throws(Errno) {
        try checkDone(unsafe rmdir(path))
    }

    /// The names of the directories in a directory. The corresponding C function is `readdir`.
    public static func directories(in path: String) throws(Errno) -> [String] {
        guard let stream = unsafe opendir(path) else { throw Errno(rawValue: errno) }
        defer { unsafe closedir(stream) }
        var found: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            guard unsafe Int(entry.pointee.d_type) == Int(DT_DIR) else { continue }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != "." && name != ".." { found.append(name) }
        }
        if errno != 0 { throw Errno(rawValue: errno) }
        return found
    }

    /// The corresponding C function is `getcwd`.
    public static func workingDirectory() throws(Errno) -> String {
        guard let found = unsafe getcwd(nil, 0) else { throw Errno(rawValue: errno) }
        defer { unsafe free(found) }
        return unsafe String(cString: found)
    }
}

extension FileDescriptor {
    /// Reads to the end of the file.
    ///
    /// - Parameter limit: More bytes than this are `EFBIG`.
    public func readAll(limit: Int = 16 << 20) throws(Errno) -> [UInt8] {
        // One byte more than the file has, so that the second read sees its end.
        let known = try? FileStatus.of(self).size
        var bytes = [UInt8](repeating: 0, count: Int(min(max(known ?? 0, 4095), 1 << 20)) + 1)
        var count = 0
        while true {
            if count == bytes.count {
                if count > limit { throw .fileTooLarge }
                bytes.append(contentsOf: repeatElement(0, count: count))
            }
            let got = try retryOnInterrupt {
                unsafe bytes.withUnsafeMutableBytes {
                    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: $0[count...])
                    return unsafe Glibc.read(rawValue, rest.baseAddress, rest.count)
                }
            }
            if got == 0 { break }
            count += got
        }
        if count > limit { throw .fileTooLarge }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Writes all of `bytes`, waiting for a reader also where an earlier program has left the
    /// descriptor non-blocking.
    public func write(all bytes: [UInt8]) throws(Errno) {
        var done = 0
        while done < bytes.count {
            do throws(Errno) {
                done += try retryOnInterrupt {
                    unsafe bytes.withUnsafeBytes {
                        let rest = unsafe UnsafeRawBufferPointer(rebasing: $0[done...])
                        return unsafe Glibc.write(rawValue, rest.baseAddress, rest.count)
                    }
                }
            } catch .resourceTemporarilyUnavailable {
                _ = try Poll.wait([(self, .writable)])
            }
        }
    }
}
