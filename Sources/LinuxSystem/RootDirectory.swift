internal import CLinux
internal import Glibc
public import SystemPackage

/// How a name inside a root is followed.
public enum LinkPolicy: Sendable {
    /// Symbolic links are followed but never lead out of the root.
    case followInside
    /// A symbolic link anywhere in the path is an error (`ELOOP`).
    case refuse

    var resolve: UInt64 {
        let inside = UInt64(CLINUX_RESOLVE_IN_ROOT) | UInt64(CLINUX_RESOLVE_NO_MAGICLINKS)
        return switch self {
        case .followInside: inside
        case .refuse: inside | UInt64(CLINUX_RESOLVE_NO_SYMLINKS)
        }
    }
}

/// A directory that the paths of a container are resolved in.
///
/// Whatever stands in the tree was written by somebody who is not trusted, so
/// nothing in it is reached by a joined path: every access is an `openat2` that
/// cannot leave the tree and follows no magic link of procfs.
public struct RootDirectory: ~Copyable, Sendable {
    private let directory: OwnedDescriptor

    public init(_ directory: consuming OwnedDescriptor) {
        self.directory = directory
    }

    public var borrowed: FileDescriptor { directory.borrowed }

    /// Opens `path` without ever leaving the tree.
    ///
    /// - Parameters:
    ///   - path: Resolved inside the root; a leading `/` and `..` stop there.
    ///   - flags: Flags of `openat2`, `O_CLOEXEC` is added.
    /// - Throws: `Errno.noSuchFileOrDirectory`, `Errno.tooManySymbolicLinkLevels` for a magic
    ///   link or, where links are refused, for any link.
    ///
    /// The corresponding C function is `openat2` with `RESOLVE_IN_ROOT`.
    public func open(
        _ path: String, _ flags: OpenFlags, mode: UInt32 = 0, links: LinkPolicy = .followInside
    ) throws(Errno) -> OwnedDescriptor {
        try RootDirectory.open(path, flags, mode: mode, links: links, in: directory.borrowed)
    }

    static func open(
        _ path: String, _ flags: OpenFlags, mode: UInt32, links: LinkPolicy, in root: FileDescriptor
    ) throws(Errno) -> OwnedDescriptor {
        // EAGAIN: the kernel saw a rename race while it checked `..`; it says try again.
        for _ in 0..<128 {
            let result = unsafe clinux_openat2(
                root.rawValue, path, UInt64(UInt32(bitPattern: flags.rawValue | O_CLOEXEC)),
                UInt64(mode), links.resolve)
            if result >= 0 { return OwnedDescriptor(FileDescriptor(rawValue: result)) }
            let error = errno
            if error != EAGAIN && error != EINTR { throw Errno(rawValue: error) }
        }
        throw .resourceTemporarilyUnavailable
    }

    /// A handle on the directory that holds the last component of `path`; parents
    /// that are missing are made, mode 0755.
    ///
    /// - Returns: The parent (`O_PATH`) and the name in it; the name is empty for the root itself.
    public func makeParent(
        of path: String, links: LinkPolicy = .followInside
    ) throws(Errno) -> Parent {
        var bytes = path.utf8[...]
        while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        let start = bytes.lastIndex(of: UInt8(ascii: "/")).map(bytes.index(after:))
        let name = bytes[(start ?? bytes.startIndex)...]
        let parent = try makeDirectories(
            String(Substring(bytes[..<(start ?? bytes.startIndex)])), links: links)
        return Parent(directory: parent, name: String(Substring(name)))
    }

    /// A directory and a name in it.
    public struct Parent: ~Copyable {
        public let directory: OwnedDescriptor
        public let name: String
    }

    /// Opens the directory `path` (`O_PATH`) and makes what is missing of it, mode 0755.
    ///
    /// - Parameter followed: How many links have led here.
    public func makeDirectories(
        _ path: String, links: LinkPolicy = .followInside, followed: Int = 0
    ) throws(Errno) -> OwnedDescriptor {
        let asDirectory: OpenFlags = [.path, .directory]
        do {
            return try open(path.isEmpty ? "/" : path, asDirectory, links: links)
        } catch .noSuchFileOrDirectory {
        }
        // Made below an opened parent, and opened there: a name that is swapped
        // meanwhile fails, it does not redirect.
        let parent = try makeParent(of: path, links: links)
        // What they lead from is there by now.
        if [".", ".."].contains(parent.name) { return try open(path, asDirectory, links: links) }
        if parent.name.isEmpty { throw .noSuchFileOrDirectory }
        do {
            try parent.directory.borrowed.makeDirectory(parent.name, mode: 0o755)
        } catch .fileExists {
            if let target = try RootDirectory.target(of: parent, at: path, links) {
                return try makeDirectories(target, links: links, followed: try next(followed))
            }
        }
        return try parent.directory.borrowed.open(parent.name, asDirectory)
    }

    /// Opens the file `path` (`O_PATH`), making it empty, mode 0644, with its parents, where it
    /// is missing. What exists is taken as it is, a directory too.
    public func makeFile(
        _ path: String, links: LinkPolicy = .followInside, followed: Int = 0
    ) throws(Errno) -> OwnedDescriptor {
        do {
            return try open(path, .path, links: links)
        } catch .noSuchFileOrDirectory {
        }
        let parent = try makeParent(of: path, links: links)
        do {
            _ = try parent.directory.borrowed.open(
                parent.name, [.create, .exclusive, .writeOnly], mode: 0o644)
        } catch .fileExists {
            if let target = try RootDirectory.target(of: parent, at: path, links) {
                return try makeFile(target, links: links, followed: try next(followed))
            }
        }
        return try open(path, .path, links: links)
    }

    /// One link more; as many as the kernel follows.
    private func next(_ followed: Int) throws(Errno) -> Int {
        if followed >= 40 { throw .tooManySymbolicLinkLevels }
        return followed + 1
    }

    /// Where a link that leads nowhere would lead: images have such ones, and what they name is
    /// made. As a path in this root again, resolved like any other. Nil where there is no link, or
    /// none is followed.
    private static func target(
        of parent: borrowing Parent, at path: String, _ links: LinkPolicy
    ) throws(Errno) -> String? {
        guard case .followInside = links,
            let target = try? parent.directory.borrowed.linkTarget(parent.name),
            // There a link is what it leads to, and its text a mere description.
            try FileSystemMagic.of(parent.directory.borrowed) != .procfs
        else { return nil }
        if target.hasPrefix("/") { return target }
        let folder = path.split(separator: "/").dropLast().joined(separator: "/")
        return "\(folder)/\(target)"
    }
}
