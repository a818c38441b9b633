internal import Glibc
public import SystemPackage

/// How full a file system is.
public struct FileSystemRoom: Sendable, Hashable {
    public var usedBytes: UInt64
    public var usedFiles: UInt64
    /// Whether it takes no more bytes, or no more files.
    public var isFull: Bool

    /// The corresponding C function is `fstatvfs`.
    public init(_ descriptor: FileDescriptor) throws(Errno) {
        var found = statvfs()
        try checkDone(unsafe fstatvfs(descriptor.rawValue, &found))
        let block = UInt64(found.f_frsize)
        usedBytes =
            (UInt64(found.f_blocks) - min(UInt64(found.f_blocks), UInt64(found.f_bfree))) * block
        usedFiles = UInt64(found.f_files) - min(UInt64(found.f_files), UInt64(found.f_ffree))
        // Without limits there are none to be reached. In a tmpfs attributes count as parts of files:
        // the last one may not take the attributes of an overlay's.
        isFull =
            found.f_blocks > 0 && found.f_bavail == 0 || found.f_files > 0 && found.f_ffree <= 1
    }
}
