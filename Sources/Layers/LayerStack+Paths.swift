public import LinuxSystem
internal import SystemPackage

/// Paths as a process would find them whose root is the stack: links are followed, and none leads
/// out.
extension LayerStack {
    /// The target of a path.
    public struct Resolved: Sendable {
        /// Without links. Where something on the way is missing, the rest as it was written.
        public var path: LayerPath
        /// Nil where there is nothing.
        public var status: FileStatus?
    }

    /// As the kernel has it.
    fileprivate static let mostLinks = 40
    /// Of the path and of all links on the way together.
    fileprivate static let mostNames = 4096

    public func resolve(_ path: String) throws(Failure) -> Resolved {
        let walk = try walk(Array(path.utf8))
        if walk.isMissing { return Resolved(path: walk.path, status: nil) }
        if let found = walk.found { return Resolved(path: walk.path, status: found.status) }
        let root = try roots.first.map { root throws(Failure) in
            try attempt("fstat", on: .root, try FileStatus.of(root.borrowed))
        }
        return Resolved(path: walk.path, status: root)
    }

    /// The content of a regular file; nil where there is none, and where it is no regular file.
    ///
    /// - Parameter limit: In bytes; a larger file is an error.
    public func content(of path: String, limit: Int) throws(Failure) -> [UInt8]? {
        let walk = try walk(Array(path.utf8))
        guard !walk.isMissing, let found = walk.found, found.status.kind == .regular else {
            return nil
        }
        let file = try attempt("open", on: walk.path, try found.openData())
        return try attempt("read", on: walk.path, try file.borrowed.readAll(limit: limit))
    }

    private func walk(_ path: [UInt8]) throws(Failure) -> PathWalk {
        var walk = PathWalk(self, path)
        while let name = walk.rest.popLast() {
            try attempt("look for", on: walk.path, try walk.step(name))
        }
        return walk
    }
}

/// On the way from the root to a path.
private struct PathWalk {
    private let stack: LayerStack
    /// From the root to here, without links.
    private var levels: [(name: FileName, found: LayerStack.Found?)] = []
    /// The rest of the path, the next name last.
    var rest: [ArraySlice<UInt8>]
    private(set) var links = 0
    private(set) var names = 0
    /// Whether there is nothing under the path.
    var isMissing: Bool { !levels.isEmpty && found == nil }
    /// Nil at the root, and where there is nothing.
    var found: LayerStack.Found? { levels.last?.found }

    init(_ stack: LayerStack, _ path: [UInt8]) {
        self.stack = stack
        rest = PathWalk.reversed(path)
    }

    var path: LayerPath { levels.reduce(.root) { $0.appending($1.name) } }

    private static func reversed(_ path: [UInt8]) -> [ArraySlice<UInt8>] {
        path.split(separator: UInt8(ascii: "/")).reversed()
    }

    mutating func step(_ part: ArraySlice<UInt8>) throws(Errno) {
        names += 1
        if names > LayerStack.mostNames { throw .fileNameTooLong }
        if part == [0x2e] { return }
        if part == [0x2e, 0x2e] {
            _ = levels.popLast()
            return
        }
        guard let name = FileName(part) else { throw .invalidArgument }
        let parts: [LayerDirectory]
        if let last = levels.last {
            guard let directory = last.found else { return levels.append((name, nil)) }
            if directory.status.kind != .directory { throw .notDirectory }
            parts = directory.parts
        } else {
            parts = stack.roots
        }
        guard case .found(let found) = try stack.lookup(name, in: parts) else {
            return levels.append((name, nil))
        }
        guard found.status.kind == .symbolicLink else { return levels.append((name, found)) }
        links += 1
        if links > LayerStack.mostLinks { throw .tooManySymbolicLinkLevels }
        let target = try found.directory.borrowed.linkTarget(found.name)
        rest += PathWalk.reversed(target)
        if target.first == UInt8(ascii: "/") { levels = [] }
    }
}
