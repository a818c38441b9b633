internal import LinuxSystem
internal import SystemPackage

/// Writes files of layers into a directory of the host, as a layer that can be stacked.
///
/// The directory is new and its names are made below open parents. The author of the files cannot
/// write there; still no link is followed.
final class DirectoryWriter {
    private let root: LayerDirectory
    private let stack: LayerStack
    private let latest: FileTime?
    private var levels: [Level] = []
    private let markWriter: MarkWriter
    private(set) var bytes: Int64 = 0

    /// A directory on the way to the file that is written.
    private final class Level {
        let path: LayerPath
        let directory: OwnedDescriptor
        let name: FileName
        /// Set when everything in it is made.
        let status: FileStatus
        let attributes: [(name: String, value: [UInt8])]

        init(
            _ path: LayerPath, _ directory: consuming OwnedDescriptor, _ name: FileName,
            _ status: FileStatus, _ attributes: [(name: String, value: [UInt8])]
        ) {
            self.path = path
            self.directory = directory
            self.name = name
            self.status = status
            self.attributes = attributes
        }
    }

    /// - Parameters:
    ///   - root: Empty.
    ///   - stack: What the files are of.
    init(_ root: LayerDirectory, of stack: LayerStack, latest: FileTime?) {
        self.root = root
        self.stack = stack
        self.latest = latest
        markWriter = MarkWriter([stack.marks])
    }

    func add(_ node: TreeWalk.Node) throws(Failure) {
        let path = node.path
        // There may be millions of them.
        try attempt("poll", on: path, try Interruption.check())
        guard let bytes = node.name, let name = FileName(bytes) else {
            if let found = node.found { try addRoot(found) }
            return
        }
        try leave(for: path)
        let parent = levels.last?.directory.borrowed ?? root.borrowed
        guard let found = node.found else {
            return try attempt("mknod", on: path, try markWriter.hide(name, in: parent))
        }
        if let link = node.link {
            let (directory, other) = try attempt("open", on: link, try open(parentOf: link))
            return try attempt(
                "link", on: path, try parent.makeLink(name, to: other, in: directory.borrowed))
        }
        if found.isMetacopy && found.data == nil { throw Failure.missingLayer(path) }
        try attempt("write", on: path, try make(found, name, in: parent))
        let attributes = try attempt("getxattr", on: path, try stack.attributes(of: found))
        if found.status.kind == .directory {
            let made = try attempt(
                "open", on: path, try parent.open(name, [.readOnly, .directory]))
            if node.isOpaque {
                try attempt("setxattr", on: path, try markWriter.makeOpaque(made.borrowed))
            }
            levels.append(Level(path, made, name, found.status, attributes))
            return
        }
        try attempt("chown", on: path, try finish(name, in: parent, found.status, attributes))
    }

    /// Every directory gets its times when nothing is made in it any more.
    func finish() throws(Failure) {
        while let level = levels.popLast() { try leave(level) }
        try attempt("setxattr", on: .root, try markWriter.finish(root.borrowed))
        guard let rootStatus else { return }
        try attempt(
            "setxattr", on: .root,
            try markWriter.record(rootMode: rootStatus.permissions, on: root.borrowed))
        try attempt(
            "utimensat", on: .root,
            try finish(.here, in: root.borrowed, rootStatus, rootAttributes))
    }

    private var rootStatus: FileStatus?
    private var rootAttributes: [(name: String, value: [UInt8])] = []

    private func addRoot(_ found: LayerStack.Found) throws(Failure) {
        rootStatus = found.status
        rootAttributes = try attempt("getxattr", on: .root, try stack.attributes(of: found))
    }

    // MARK: The way to a file

    private func leave(for path: LayerPath) throws(Failure) {
        while let last = levels.last, !path.isInside(last.path) {
            levels.removeLast()
            try leave(last)
        }
    }

    private func leave(_ level: Level) throws(Failure) {
        let parent = levels.last?.directory.borrowed ?? root.borrowed
        try attempt(
            "chown", on: level.path,
            try finish(level.name, in: parent, level.status, level.attributes))
    }

    /// Of a file that is written already: name by name, since a path may be longer than the kernel
    /// takes.
    private func open(
        parentOf path: LayerPath
    ) throws(Errno) -> (directory: LayerDirectory, name: FileName) {
        guard var names = LayerPath.names(of: [0x2f] + path.bytes), let last = names.popLast()
        else { throw .invalidArgument }
        var directory = root
        for name in names {
            directory = LayerDirectory(
                try directory.borrowed.open(name, [.path, .directory]), layer: 0)
        }
        return (directory, last)
    }

    // MARK: One file

    private func make(
        _ found: LayerStack.Found, _ name: FileName, in parent: FileDescriptor
    ) throws(Errno) {
        let status = found.status
        switch status.kind {
        case .directory: try parent.makeDirectory(name, mode: 0o700)
        case .symbolicLink:
            try parent.makeSymbolicLink(
                name, to: try found.directory.borrowed.linkTarget(found.name))
        case .regular:
            let source = try found.openData()
            let size = try FileStatus.of(source.borrowed).size
            let made = try parent.open(name, [.create, .exclusive, .writeOnly], mode: 0o600)
            try made.borrowed.copyData(from: source.borrowed, size: size)
            bytes += size
        case .characterDevice, .blockDevice, .fifo, .socket:
            try parent.makeNode(
                name, mode: status.kind.modeBits | 0o600, device: status.deviceNumber)
        }
    }

    private func finish(
        _ name: FileName, in parent: FileDescriptor, _ status: FileStatus,
        _ attributes: [(name: String, value: [UInt8])]
    ) throws(Errno) {
        try parent.changeOwner(name, user: status.userID, group: status.groupID)
        // After the owner, whose change takes set-id bits and capabilities away.
        if status.kind != .symbolicLink { try parent.changeMode(name, status.permissions) }
        for (attribute, value) in attributes {
            try parent.setAttribute(attribute, value, of: name == .here ? .itself : name)
        }
        try parent.changeTimes(name, to: latest.map { min($0, status.modified) } ?? status.modified)
    }
}

extension LayerPath {
    func isInside(_ other: LayerPath) -> Bool {
        other.bytes.isEmpty
            || bytes.count > other.bytes.count && bytes[other.bytes.count] == 0x2f
                && bytes.starts(with: other.bytes)
    }
}
