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

    /// Follows a symbolic link: for names whose kind is known. The corresponding C function is
    /// `fchmodat`.
    public func changeMode(_ name: String, _ mode: UInt32) throws(Errno) {
        try checkDone(unsafe fchmodat(rawValue, name, mode, 0))
    }

    /// Gives `name` the times of access and of change that `source` has. The corresponding C
    /// function is `utimensat` with `AT_SYMLINK_NOFOLLOW`.
    public func copyTimes(_ name: String, from source: FileDescriptor) throws(Errno) {
        try checkDone(unsafe clinux_copy_times(source.rawValue, rawValue, name))
    }

    /// Fills this new file with the first `size` bytes of `source`, holes as holes. The
    /// corresponding C function is `sendfile`.
    public func copyData(from source: FileDescriptor, size: Int64) throws(Errno) {
        try checkDone(clinux_copy_data(source.rawValue, rawValue, size))
    }

    /// The corresponding C function is `openat`; `O_CLOEXEC` and `O_NOFOLLOW` are added.
    public func open(_ name: String, _ flags: OpenFlags, mode: UInt32 = 0) throws(Errno)
        -> OwnedDescriptor
    {
        try OwnedDescriptor.adopt(
            unsafe openat(rawValue, name, flags.rawValue | O_CLOEXEC | O_NOFOLLOW, mode))
    }

    /// Opens the file behind this descriptor anew, for something else. It may take long: what memory
    /// can be done without goes before.
    ///
    /// - Parameters:
    ///   - proc: The root of a procfs of this process's pid namespace.
    ///   - pageMap: From `openPageMap` of that procfs; it is closed. Without it more memory stays.
    ///
    /// The corresponding C functions are `malloc_trim`, `madvise` with `MADV_DONTNEED`, and `openat`.
    public func reopenAtRest(
        through proc: FileDescriptor, _ flags: OpenFlags, pageMap: FileDescriptor?
    ) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.adopt(
            unsafe clinux_open_at_rest(
                proc.rawValue, "self/fd/\(rawValue)", flags.rawValue | O_CLOEXEC,
                pageMap?.rawValue ?? -1))
    }

    /// Which pages this process has, in the procfs whose root this is (proc(5), `pagemap`).
    public func openPageMap() throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.adopt(clinux_open_pagemap(rawValue))
    }

    /// Sets an extended attribute. The corresponding C function is `fsetxattr`.
    public func setAttribute(_ name: String, _ value: String) throws(Errno) {
        try checkDone(unsafe clinux_fsetxattr(rawValue, name, value, value.utf8.count))
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

extension FileDescriptor {
    /// The names in this directory but `.` and `..`. The corresponding C function is `readdir`.
    public func entries() throws(Errno) -> [String] {
        var names: [String] = []
        var stream: UnsafeMutableRawPointer?
        while let name = unsafe clinux_next_entry(rawValue, &stream) {
            unsafe names.append(String(cString: name))
        }
        if errno != 0 { throw Errno(rawValue: errno) }
        return names
    }

    /// The corresponding C function is `unlinkat`.
    public func remove(_ name: String) throws(Errno) {
        try checkDone(unsafe unlinkat(rawValue, name, 0))
    }

    /// An empty directory. The corresponding C function is `unlinkat` with `AT_REMOVEDIR`.
    public func removeDirectory(_ name: String) throws(Errno) {
        try checkDone(unsafe unlinkat(rawValue, name, AT_REMOVEDIR))
    }

    /// As `lock`, but waits for the process that holds it: flock(2) itself knows no deadline.
    ///
    /// - Throws: `Errno.timedOut` at the deadline, `Errno.interrupted` at a signal.
    public func waitForLock(until deadline: UInt64) throws(Errno) {
        var pause: UInt64 = 1
        while true {
            do throws(Errno) {
                return try lock(exclusive: true)
            } catch .wouldBlock {
                if Clock.nanoseconds >= deadline { throw .timedOut }
            }
            try Poll.pause(milliseconds: pause)
            pause = min(pause * 2, 20)
        }
    }

    /// The corresponding C function is `flock` with `LOCK_UN`.
    public func unlock() throws(Errno) {
        try checkDone(flock(rawValue, LOCK_UN))
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

    /// The whole of a file that is short as a rule, and gives all it has at once, as a list that the
    /// kernel makes a line at a time does not.
    public static func readShort(_ path: String) throws(Errno) -> [UInt8] {
        let file = try open(path, [.readOnly, .noControllingTerminal])
        return try file.borrowed.readShort()
    }

    /// Makes a directory and its parents. The corresponding C function is `mkdir`.
    public static func makeDirectories(_ path: String, mode: UInt32) throws(Errno) {
        var missing: [String] = []
        var place = path
        while unsafe mkdir(place, mode) != 0 && errno != EEXIST {
            if errno != ENOENT { throw Errno(rawValue: errno) }
            guard let slash = place.lastIndex(of: "/"), slash != place.startIndex else {
                throw .noSuchFileOrDirectory
            }
            missing.append(place)
            place = String(place[..<slash])
        }
        for place in missing.reversed() {
            if unsafe mkdir(place, mode) != 0 && errno != EEXIST { throw Errno(rawValue: errno) }
        }
    }

    /// The corresponding C function is `chmod`, which follows links.
    static func changeMode(_ path: String, _ mode: UInt32) throws(Errno) {
        try checkDone(unsafe chmod(path, mode))
    }

    /// The corresponding C function is `readlink`.
    public static func linkTarget(_ path: String) throws(Errno) -> String {
        try FileDescriptor(rawValue: AT_FDCWD).linkTarget(path)
    }

    /// The corresponding C function is `unlink`.
    public static func remove(_ path: String) throws(Errno) {
        try checkDone(unsafe unlink(path))
    }

    /// Connects to a socket of the host, of any length of name.
    ///
    /// - Parameter kind: Of the socket, as the listener has made it.
    /// - Returns: A socket that does not block.
    /// - Throws: `Errno.timedOut` where nobody accepts for `SocketKind.patience`.
    ///
    /// The corresponding C function is `connect`.
    public static func connect(
        _ path: String, _ kind: SocketKind = .stream
    ) throws(Errno) -> OwnedDescriptor {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        let directory = try open(parent, [.path, .directory])
        return try connecting {
            unsafe clinux_connect(directory.borrowed.rawValue, name, kind.rawValue)
        }
    }

    /// A backlog that is full is no state that poll(2) knows of: it is tried again.
    private static func connecting(_ connect: () -> CInt) throws(Errno) -> OwnedDescriptor {
        let deadline = Clock.deadline(seconds: SocketKind.patience)
        while true {
            do throws(Errno) {
                return try OwnedDescriptor.adopt(connect())
            } catch .resourceTemporarilyUnavailable {
                if Clock.nanoseconds >= deadline { throw .timedOut }
            }
            try Poll.pause(milliseconds: 10)
        }
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

    /// As `connect`, to a socket whose name is in no directory (unix(7), abstract).
    public static func connectAbstract(
        _ name: String, _ kind: SocketKind
    ) throws(Errno) -> OwnedDescriptor {
        try connecting { unsafe clinux_connect_abstract(name, kind.rawValue) }
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
            count += got
            // What is made when it is read has no size, or another one.
            if got == 0 || Int64(count) == known && known != 0 { break }
        }
        if count > limit { throw .fileTooLarge }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Reads the whole of a file on a disk, a tmpfs or of a cgroup that is short as a rule: with one
    /// call then.
    public func readShort() throws(Errno) -> [UInt8] {
        let capacity = 2048
        var error: CInt = 0
        let first = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            let got = unsafe Glibc.read(rawValue, buffer.baseAddress, capacity)
            error = got < 0 ? errno : 0
            count = max(got, 0)
        }
        // What comes short is the end: such a file always gives all it has.
        if error == 0 && first.count < capacity { return first }
        if error != 0 && error != EINTR { throw Errno(rawValue: error) }
        return first + (try readAll())
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

/// Kinds of unix sockets (unix(7)).
public enum SocketKind: CInt, Sendable {
    case stream = 1
    case datagram = 2
    case packets = 5

    /// How many seconds the other side has to accept a connection, or to take a message.
    static let patience: UInt64 = 5
}

extension FileDescriptor {
    /// Makes a datagram socket in this directory that never blocks, of the mode that the umask
    /// leaves. The corresponding C function is `bind`.
    public func bindDatagramSocket(_ name: String) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.adopt(unsafe clinux_bind_datagram(rawValue, name))
    }

    /// Sends one message through this socket, with a descriptor where there is one to pass.
    ///
    /// - Throws: `Errno.timedOut` where the receiver takes nothing for `SocketKind.patience`.
    ///
    /// The corresponding C function is `sendmsg` with `SCM_RIGHTS` and `MSG_DONTWAIT`.
    public func send(_ bytes: [UInt8], passing descriptor: FileDescriptor? = nil) throws(Errno) {
        let deadline = Clock.deadline(seconds: SocketKind.patience)
        while true {
            do throws(Errno) {
                let sent = try retryOnInterrupt {
                    unsafe bytes.withUnsafeBytes {
                        unsafe clinux_send(
                            rawValue, $0.baseAddress, $0.count, descriptor?.rawValue ?? -1, 0)
                    }
                }
                if sent != bytes.count { throw .messageTooLong }
                return
            } catch .resourceTemporarilyUnavailable {
                if Clock.nanoseconds >= deadline { throw .timedOut }
            }
            _ = try Poll.wait([(self, .writable)], until: deadline)
        }
    }

    /// The next bytes of this socket or pipe; nil at its end. The corresponding C function is `read`.
    public func receiveBytes(_ capacity: Int) throws(Errno) -> [UInt8]? {
        while true {
            if let bytes = try readSome(capacity) { return bytes.isEmpty ? nil : bytes }
            _ = try Poll.wait([(self, .readable)])
        }
    }
}
