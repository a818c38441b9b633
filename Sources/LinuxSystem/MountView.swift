internal import CLinux
public import SystemPackage

/// What the kernel tells of one mount, without the table of all of them.
public struct MountView: Sendable, Hashable {
    public var magic: FileSystemMagic
    /// What of the file system it shows: `/` as a rule.
    public var root: String
    /// The file system's own: `rw` and the like are not among them.
    public var options: String

    /// The mount that `path` lies on.
    ///
    /// The corresponding C function is `statmount`.
    ///
    /// - Throws: `ENOSYS` before Linux 6.11.
    public static func of(_ path: String) throws(Errno) -> MountView {
        var magic: Int64 = 0
        var root: UnsafePointer<CChar>?
        var options: UnsafePointer<CChar>?
        var found: MountView?
        let size = 4096
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
        defer { unsafe buffer.deallocate() }
        try checkDone(unsafe clinux_statmount(path, buffer, size, &magic, &root, &options))
        if let root = unsafe root, let options = unsafe options {
            found = MountView(
                magic: FileSystemMagic(rawValue: magic), root: unsafe String(cString: root),
                options: unsafe String(cString: options))
        }
        guard let found else { throw .noFunction }
        return found
    }
}
