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
    /// - Throws: `Errno.wouldBlock` when another process holds it.
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
