internal import CLinux
internal import Glibc
public import SystemPackage

/// A directory of the host that the user has named and that may lie in a tree which a container or
/// an image has written. A symbolic link in such a tree leads wherever its maker wants.
///
/// A link on the way is followed only where it cannot have been made for that:
///
/// - it leads to what lies in its own directory (`current -> v3`): its target is relative and has
///   no `..`;
/// - it lies in the root directory of the host (`/home -> /data/home`);
/// - it and its directory belong to root and this process is an ordinary user's: no container of
///   that user could have made it.
public enum UnfollowedPath {
    /// As many as open(2) follows.
    static let mostLinks = 40

    /// Why it was not opened.
    public struct Failure: Error {
        public var errno: Errno
        /// The link that was not followed, and where it leads.
        public var link: (path: String, target: String)?

        init(_ errno: Errno, link: (path: String, target: String)? = nil) {
            self.errno = errno
            self.link = link
        }
    }

    /// Opens the directory, by `O_PATH`.
    ///
    /// The corresponding C function is `openat2` with `RESOLVE_NO_SYMLINKS`, and `openat` name by
    /// name where there are links.
    public static func open(_ path: String) throws(Failure) -> OwnedDescriptor {
        do throws(Errno) {
            return try openWithoutLinks(path)
        } catch .tooManySymbolicLinkLevels {
            var walk = try Walk(path)
            while try walk.goOn() {}
            return walk.end()
        } catch {
            throw Failure(error)
        }
    }

    /// Opens a directory on whose path there is no link at all, by `O_PATH`.
    ///
    /// - Throws: `Errno.tooManySymbolicLinkLevels` for any link.
    public static func openWithoutLinks(_ path: String) throws(Errno) -> OwnedDescriptor {
        let flags = CInt(CLINUX_O_PATH) | O_DIRECTORY | O_CLOEXEC
        return try OwnedDescriptor.adopt(
            unsafe clinux_openat2(
                AT_FDCWD, path, UInt64(UInt32(bitPattern: flags)), 0,
                UInt64(CLINUX_RESOLVE_NO_SYMLINKS)))
    }
}

extension HostPath {
    /// The path of a file that exists, without links in it.
    ///
    /// The corresponding C functions are `open` with `O_PATH`, and `readlink`.
    public static func real(_ path: String) throws(Errno) -> String {
        let found = try open(path, .path)
        return try linkTarget("/proc/self/fd/\(found.borrowed.rawValue)")
    }

    /// Opens a file that the user has named for output: it is made, mode 0644, or emptied. A pipe, a
    /// terminal or another device takes what is written as it is.
    ///
    /// Where others may write, one of them could have put a link there, or a file of theirs. A link
    /// is followed only if root has made it where no other user may (`/dev/stderr`).
    ///
    /// - Parameters:
    ///   - followsLinks: Whether it is followed even then.
    ///   - leavingLine: An empty line is left of what was in the file, which is written over later: of a
    ///     file that was emptied ext4 writes the new content to the disk when the file is closed, which
    ///     takes milliseconds.
    /// - Throws: `Errno.tooManySymbolicLinkLevels` for another link, `Errno.notPermitted` for a file
    ///   of another user, or one with several names; `Errno.noSuchAddressOrDevice` for a FIFO that
    ///   has no reader.
    public static func openOutput(
        _ path: String, followsLinks: Bool = true, leavingLine: Bool = false
    ) throws(Errno) -> OwnedDescriptor {
        let slash = path.utf8.lastIndex(of: 0x2f)
        let folder = slash.map { String(Substring(path.utf8[...$0])) } ?? "."
        let name = slash.map { String(Substring(path.utf8[path.utf8.index(after: $0)...])) } ?? path
        let parent = try open(folder, [.path, .directory])
        let flags: OpenFlags = [.writeOnly, .nonBlocking, .noControllingTerminal]
        do throws(Errno) {
            return try parent.borrowed.open(name, flags.union([.create, .exclusive]), mode: 0o644)
        } catch .fileExists {
        }
        let file =
            try followsLinks
            ? openExisting(name, in: parent.borrowed, path, flags)
            : parent.borrowed.open(name, flags)
        let status = try FileStatus.of(file.borrowed)
        if status.kind == .regular {
            if !status.isOwned || status.linkCount > 1 { throw .notPermitted }
            try empty(file.borrowed, status, leavingLine)
        }
        return file
    }

    private static func empty(
        _ file: FileDescriptor, _ status: FileStatus, _ leavesLine: Bool
    ) throws(Errno) {
        guard leavesLine, status.size > 0 else { return try file.setSize(0) }
        try file.write(all: [0x0a])
        try file.setSize(1)
        try file.move(to: 0)
    }

    /// What to do about an error of `openOutput`.
    public static func adviceOfOutput(_ error: Errno) -> String? {
        switch error {
        case .tooManySymbolicLinkLevels: "it is a symbolic link; name the file that it leads to"
        case .notPermitted: "it belongs to another user or has several names; name another file"
        case .noSuchAddressOrDevice: "no process reads this FIFO, or it is a socket"
        default: nil
        }
    }

    private static func openExisting(
        _ name: String, in parent: FileDescriptor, _ path: String, _ flags: OpenFlags
    ) throws(Errno) -> OwnedDescriptor {
        do throws(Errno) {
            return try parent.open(name, flags)
        } catch .tooManySymbolicLinkLevels {
            let (link, holder) = (
                try FileStatus.of(name, in: parent), try FileStatus.of(parent)
            )
            let isRoots =
                link.userID == 0 && holder.userID == 0 && holder.permissions & 0o022 == 0
            if !isRoots { throw .tooManySymbolicLinkLevels }
            return try open(path, flags)
        }
    }
}

/// A path on its way, name by name.
private struct Walk: ~Copyable {
    private var place: OwnedDescriptor
    /// The rest of the path, the next component last.
    private var names: [String]
    private var links = 0
    /// For messages.
    private var way: String

    init(_ path: String) throws(UnfollowedPath.Failure) {
        let isAbsolute = path.hasPrefix("/")
        names = path.split(separator: "/").reversed().map(String.init)
        way = isAbsolute ? "" : "."
        place = try Walk.start(isAbsolute ? "/" : ".")
    }

    private static func start(_ path: String) throws(UnfollowedPath.Failure) -> OwnedDescriptor {
        do throws(Errno) {
            return try HostPath.open(path, [.path, .directory])
        } catch {
            throw UnfollowedPath.Failure(error)
        }
    }

    consuming func end() -> OwnedDescriptor { place }

    /// False at the end.
    mutating func goOn() throws(UnfollowedPath.Failure) -> Bool {
        guard let name = names.popLast() else { return false }
        let refused: String?
        do throws(Errno) {
            refused = try enter(name)
        } catch {
            throw UnfollowedPath.Failure(error)
        }
        guard let refused else { return true }
        throw UnfollowedPath.Failure(.tooManySymbolicLinkLevels, link: ("\(way)/\(name)", refused))
    }

    /// - Returns: Where a link leads that may not be followed.
    private mutating func enter(_ name: String) throws(Errno) -> String? {
        let found = try place.borrowed.open(name, .path)
        switch try FileStatus.of(found.borrowed).kind {
        case .directory:
            way += "/" + name
            place = found
            return nil
        case .symbolicLink: break
        default: throw .notDirectory
        }
        links += 1
        if links > UnfollowedPath.mostLinks { throw .tooManySymbolicLinkLevels }
        let target = try found.borrowed.linkTarget()
        if try !mayFollow(found.borrowed, target) { return target }
        names += target.split(separator: "/").reversed().map(String.init)
        if target.hasPrefix("/") {
            place = try HostPath.open("/", [.path, .directory])
            way = ""
        }
        return nil
    }

    private func mayFollow(_ link: FileDescriptor, _ target: String) throws(Errno) -> Bool {
        if !target.hasPrefix("/") && !target.split(separator: "/").contains("..") { return true }
        let holder = try FileStatus.of(place.borrowed)
        if try FileStatus.of(path: "/").isSame(as: holder) { return true }
        if Credentials.effectiveUser == 0 || !OwnUserNamespace.isInitial { return false }
        let owner = try FileStatus.of(link).userID
        return owner == 0 && holder.userID == 0 && holder.permissions & 0o022 == 0
    }
}
