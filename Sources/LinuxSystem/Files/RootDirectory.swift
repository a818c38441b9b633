internal import CLinux
internal import Glibc
public import SystemPackage

/// How a name inside a root is followed.
public enum LinkPolicy: Sendable {
    /// Symbolic links are followed but never lead out of the root.
    case followInside
    /// A symbolic link anywhere in the path is an error (`ELOOP`).
    case refuse

    /// The meaning of `Errno.fileNameTooLong` for a path in a root, for messages.
    public static let tooLong =
        "a directory in it is missing, and the path with the links in it has more than 4,096 bytes"

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
/// The content of the tree is untrusted, so
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
        try unsafe RootDirectory.open(
            path, flags, mode: mode, links: links, in: directory.borrowed)
    }

    /// - Parameter path: Ends with a NUL.
    static func open(
        _ path: UnsafePointer<CChar>, _ flags: OpenFlags, mode: UInt32 = 0, links: LinkPolicy,
        in root: FileDescriptor
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
}
