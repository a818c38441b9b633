public import SystemPackage

/// What the files of a tree take, whoever changes it meanwhile: by descriptors, no link followed.
public enum TreeSize {
    /// A tree that is nested deeper is not measured: each level holds a descriptor.
    static let deepest = 256

    /// - Parameter path: A directory of the host.
    /// - Returns: Bytes on the disk, and the number of files. A file with several names counts once.
    /// - Throws: `Errno.tooManySymbolicLinkLevels` where the tree is nested too deep.
    ///
    /// The corresponding C functions are `openat`, `getdents64` and `fstatat`.
    public static func measure(_ path: String) throws(Errno) -> (bytes: UInt64, files: UInt64) {
        var bytes: UInt64 = 0
        var files: UInt64 = 0
        var linked: Set<UInt64> = []
        var levels: [TreeLevel] = [TreeLevel(try HostPath.open(path, [.readOnly, .directory]))]
        while let level = levels.last {
            guard let name = try level.next() else {
                levels.removeLast()
                continue
            }
            // What is gone by now counts nothing.
            guard let status = try? FileStatus.of(name, in: level.descriptor) else { continue }
            if status.linkCount > 1, status.kind != .directory,
                !linked.insert(status.inode).inserted
            {
                continue
            }
            bytes += UInt64(max(status.allocated, 0))
            files += 1
            guard status.kind == .directory else { continue }
            if levels.count >= deepest { throw .tooManySymbolicLinkLevels }
            guard let inner = try? level.descriptor.open(name, [.readOnly, .directory]) else {
                continue
            }
            levels.append(TreeLevel(inner))
        }
        return (bytes, files)
    }
}

/// An open directory on the way through a tree, and the names in it that are still to come.
final class TreeLevel {
    private let directory: OwnedDescriptor
    private var names: [FileName]?

    init(_ directory: consuming OwnedDescriptor) { self.directory = directory }

    var descriptor: FileDescriptor { directory.borrowed }

    func next() throws(Errno) -> FileName? {
        if names == nil { names = try descriptor.names() }
        return names?.popLast()
    }
}
