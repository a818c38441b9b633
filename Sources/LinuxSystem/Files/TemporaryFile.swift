internal import CLinux
internal import Glibc
public import SystemPackage

/// A file in memory with no name.
public enum TemporaryFile {
    /// The corresponding C function is `memfd_create`.
    ///
    /// - Parameter label: What `/proc/PID/fd` shows.
    public static func create(_ label: String) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.adopt(unsafe clinux_memfd_create(label))
    }
}

extension FileDescriptor {
    /// The whole file, whatever its offset is.
    public func readFromStart(limit: Int = 16 << 20) throws(Errno) -> [UInt8] {
        _ = try check(Glibc.lseek(rawValue, 0, SEEK_SET))
        return try readAll(limit: limit)
    }

    /// Puts a file with this content in the place of `name`, in one go: a reader sees the old one
    /// or the new one. Where that fails nothing is left of the new one.
    public func replaceFile(
        _ name: String, with bytes: [UInt8], mode: UInt32
    ) throws(Errno) {
        let temporary = ".\(name).\(getpid())"
        _ = unsafe unlinkat(rawValue, temporary, 0)
        let file = try open(temporary, [.create, .exclusive, .writeOnly], mode: mode)
        do throws(Errno) {
            try file.borrowed.write(all: bytes)
            try checkDone(unsafe renameat(rawValue, temporary, rawValue, name))
        } catch {
            _ = unsafe unlinkat(rawValue, temporary, 0)
            throw error
        }
    }
}
