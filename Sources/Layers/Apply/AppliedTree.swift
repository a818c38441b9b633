public import LinuxSystem
internal import SystemPackage

/// The directory of the host that changes are applied to.
///
/// Other processes may rename what is in it while it is changed: every directory is opened from the
/// one above it, and neither a symbolic link nor a mount point is entered.
public final class AppliedTree: Sendable {
    /// For messages, and to compare with the list of guarded paths.
    public let path: String
    let root: LayerDirectory
    let device: UInt64

    public init(_ path: String) throws(Failure) {
        self.path = path
        root = LayerDirectory(try AppliedTree.open(path), layer: 0)
        device = try attempt("fstat", on: path, try FileStatus.of(root.borrowed)).device
    }

    private static func open(_ path: String) throws(Failure) -> OwnedDescriptor {
        let handle = try openHandle(path)
        return try attempt(
            "open", on: path, try handle.borrowed.open(".", [.readOnly, .directory]))
    }

    private static func openHandle(_ path: String) throws(Failure) -> OwnedDescriptor {
        do throws(UnfollowedPath.Failure) {
            return try UnfollowedPath.open(path)
        } catch {
            throw Failure("open", path.inQuotes, error.errno)
        }
    }

    /// The name of the directory in which an apply keeps files, in a tree on another file system than
    /// the upper.
    static func storeName(_ suffix: String) -> String { ".vfs-run-apply-" + suffix }

    /// Whether such a directory has that name.
    static func isStore(_ name: FileName) -> Bool {
        name.bytes.starts(with: storeName("").utf8)
    }

    /// Whether the last name of a path is that of such a directory.
    static func isStore(_ path: LayerPath) -> Bool {
        let start = path.bytes.lastIndex(of: 0x2f).map { $0 + 1 } ?? 0
        return path.bytes[start...].starts(with: storeName("").utf8)
    }

    /// The file of a name in one of its directories; nil where there is none.
    static func status(
        _ name: FileName, in directory: FileDescriptor
    ) throws(Errno) -> FileStatus? {
        try unlessMissing(try FileStatus.of(name, in: directory))
    }
}

/// The way to a directory of the tree: those on it are open, and shared by the next path.
struct TreeCursor {
    private let root: LayerDirectory
    private var levels: [(name: FileName, directory: LayerDirectory)] = []

    init(_ tree: AppliedTree) {
        root = tree.root
    }

    init(_ directory: LayerDirectory) {
        root = directory
    }

    /// Opens the directory that holds a path.
    ///
    /// - Throws: `Errno.noSuchFileOrDirectory`, `Errno.notDirectory` and
    ///   `Errno.tooManySymbolicLinkLevels` where the directory is no longer there.
    mutating func open(
        parentOf path: LayerPath
    ) throws(Errno) -> (directory: LayerDirectory, name: FileName) {
        guard var names = LayerPath.names(of: [0x2f] + path.bytes), let last = names.popLast()
        else { throw .invalidArgument }
        return (try open(names), last)
    }

    mutating func open(directory path: LayerPath) throws(Errno) -> LayerDirectory {
        if path.bytes.isEmpty { return root }
        guard let names = LayerPath.names(of: [0x2f] + path.bytes) else { throw .invalidArgument }
        return try open(names)
    }

    private mutating func open(_ names: [FileName]) throws(Errno) -> LayerDirectory {
        var common = 0
        while common < names.count, common < levels.count, levels[common].name == names[common] {
            common += 1
        }
        levels.removeLast(levels.count - common)
        for name in names[common...] {
            let above = levels.last?.directory ?? root
            let opened = try above.borrowed.openBeneath(name, [.readOnly, .directory])
            levels.append((name, LayerDirectory(opened, layer: 0)))
        }
        return levels.last?.directory ?? root
    }
}
