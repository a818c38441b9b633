internal import CLinux
internal import Glibc
public import SystemPackage

/// What is missing of a path is made.
extension RootDirectory {
    /// A handle on the directory that holds the last component of `path`; parents
    /// that are missing are made, mode 0755.
    ///
    /// - Returns: The parent (`O_PATH`) and the name in it; the name is empty for the root itself.
    public func makeParent(
        of path: String, links: LinkPolicy = .followInside
    ) throws(Errno) -> Parent {
        let bytes = RootDirectory.withoutSlashes(path)
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

    /// Opens the directory `path` (`O_PATH`) and makes what is missing of it, mode 0755. What a
    /// link names that leads nowhere is made too: images have such links.
    ///
    /// - Throws: `Errno.tooManySymbolicLinkLevels`, `Errno.fileNameTooLong` where something is
    ///   missing and the path, with the links in it, exceeds the kernel's own bounds for a path.
    public func makeDirectories(
        _ path: String, links: LinkPolicy = .followInside
    ) throws(Errno) -> OwnedDescriptor {
        do {
            return try open(path.isEmpty ? "/" : path, [.path, .directory], links: links)
        } catch .noSuchFileOrDirectory {
        }
        var walk = try RootWalk.begin(path, links, in: borrowed)
        while let name = walk.next() { try walk.enter(name) }
        return walk.finish()
    }

    /// Opens the file `path`, making it empty, mode 0644, with its parents, where it is missing.
    /// An existing file is taken as it is, a directory too, by `O_PATH`.
    ///
    /// - Throws: As `makeDirectories`.
    public func makeFile(
        _ path: String, links: LinkPolicy = .followInside
    ) throws(Errno) -> OwnedDescriptor {
        let path = String(Substring(RootDirectory.withoutSlashes(path)))
        do {
            return try open(path.isEmpty ? "/" : path, .path, links: links)
        } catch .noSuchFileOrDirectory {
        }
        var walk = try RootWalk.begin(path, links, in: borrowed)
        while let name = walk.next() {
            if !walk.isAtEnd || name.isAbove {
                try walk.enter(name)
            } else if let file = try walk.makeFile(name) {
                return file
            }
        }
        // The last link has led to a directory.
        return walk.finish()
    }

    /// A file's path may end with slashes in config.json.
    private static func withoutSlashes(_ path: String) -> Substring.UTF8View {
        var bytes = path.utf8[...]
        while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        return bytes
    }
}

/// A path on its way through a root, name by name, each opened in the directory before it: a name
/// that is exchanged meanwhile is an error, it does not lead elsewhere.
///
/// The image decides how many names and links there are. So this is a loop, and what is left to walk
/// is bounded: by the kernel's 40 links, and by the kernel's 4,096 bytes for the path and the texts of
/// all its links together (path_resolution(7)).
private struct RootWalk: ~Copyable {
    private let root: FileDescriptor
    private let links: LinkPolicy
    /// Where it is.
    private var here: OwnedDescriptor
    /// The names that have led there from the root; none of them is a link.
    private var passed: [FileName] = []
    /// The names to come, the next one last.
    private var left: [Name] = []
    private var linksFollowed = 0
    private var bytesTaken = 0

    private static let mostLinks = 40
    /// PATH_MAX, with the NUL.
    private static let mostBytes = 4096

    /// A component of a path.
    enum Name {
        case file(FileName)
        /// `..`
        case above

        var isAbove: Bool {
            if case .above = self { true } else { false }
        }
    }

    private init(_ links: LinkPolicy, in root: FileDescriptor, at top: consuming OwnedDescriptor) {
        self.root = root
        self.links = links
        here = top
    }

    static func begin(
        _ path: String, _ links: LinkPolicy, in root: FileDescriptor
    ) throws(Errno) -> RootWalk {
        var walk = RootWalk(links, in: root, at: try OwnedDescriptor.duplicate(root))
        try walk.take(path.utf8)
        return walk
    }

    var isAtEnd: Bool { left.isEmpty }

    mutating func next() -> Name? { left.popLast() }

    /// The directory that has been reached.
    consuming func finish() -> OwnedDescriptor { here }

    /// Puts the names of a path in front of those to come.
    private mutating func take(_ path: some Collection<UInt8>) throws(Errno) {
        bytesTaken += path.count + 1
        if bytesTaken > RootWalk.mostBytes { throw .fileNameTooLong }
        for bytes in path.split(separator: UInt8(ascii: "/")).reversed() {
            if let name = FileName(bytes) {
                left.append(.file(name))
            } else if bytes.count == 2 {
                left.append(.above)
            }
        }
    }

    /// Goes to a directory, which is made where it is missing, or follows a link.
    mutating func enter(_ name: Name) throws(Errno) {
        guard case .file(let file) = name else { return try goUp() }
        do {
            // The last one is missing, or this would not have begun.
            if isAtEnd { try make(file) }
            return try enterDirectory(file)
        } catch .noSuchFileOrDirectory {
            try make(file)
        } catch .notDirectory {
            return try follow(file)
        }
        try enterDirectory(file)
    }

    private func make(_ name: FileName) throws(Errno) {
        do {
            try here.borrowed.makeDirectory(name, mode: 0o755)
        } catch .fileExists {
        }
    }

    private mutating func enterDirectory(_ name: FileName) throws(Errno) {
        here = try here.borrowed.enter(name)
        passed.append(name)
    }

    /// Not by `..` in the directory, which could have been moved out of the root by now.
    private mutating func goUp() throws(Errno) {
        if passed.popLast() == nil { return }
        var path: [CChar] = []
        for name in passed {
            path.append(CChar(bitPattern: UInt8(ascii: "/")))
            path += name.characters.dropLast()
        }
        path += path.isEmpty ? [CChar(bitPattern: UInt8(ascii: "/")), 0] : [0]
        here = try unsafe RootDirectory.open(path, [.path, .directory], links: .refuse, in: root)
    }

    /// Makes a file; nil where a link has been followed instead.
    mutating func makeFile(_ name: Name) throws(Errno) -> OwnedDescriptor? {
        guard case .file(let file) = name else { return nil }
        do {
            return try here.borrowed.open(file, [.create, .exclusive, .writeOnly], mode: 0o644)
        } catch .fileExists {
        }
        let found = try here.borrowed.open(file, .path)
        if try FileStatus.of(found.borrowed).kind != .symbolicLink { return found }
        try follow(file)
        return nil
    }

    /// - Throws: `Errno.notDirectory` where `name` is no link.
    private mutating func follow(_ name: FileName) throws(Errno) {
        let target: [UInt8]
        do {
            target = try here.borrowed.linkTarget(name)
        } catch .invalidArgument {
            throw .notDirectory
        }
        // On procfs a link is what it leads to, and its text a mere description.
        guard case .followInside = links, linksFollowed < RootWalk.mostLinks,
            try FileSystemMagic.of(here.borrowed) != .procfs
        else { throw .tooManySymbolicLinkLevels }
        linksFollowed += 1
        if target.first == UInt8(ascii: "/") {
            here = try OwnedDescriptor.duplicate(root)
            passed = []
        }
        try take(target)
    }
}
