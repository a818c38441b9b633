internal import LinuxSystem
internal import SystemPackage

/// Writes files of layers as the entries of a tar archive.
///
/// As an OCI layer (image-spec, layer.md): a file that is gone is an empty file `.wh.NAME`, a
/// directory that hides what is below has `.wh..wh..opq` in it.
@safe
final class TarWriter {
    /// Takes the archive, piece by piece; the bytes are valid during the call.
    @unsafe typealias Sink = (UnsafeRawBufferPointer) throws(Failure) -> Void

    /// The prefix of the name of a whiteout.
    static let whiteoutPrefix = Array(".wh.".utf8)
    /// Holes are zeros in an archive, since the readers of images know no others (OCI image-spec,
    /// layer.md): as much of them as an unpacked image may have by default, and no more, so that one
    /// call of a container's does not fill a disk.
    static let mostOfHoles: Int64 = 64 << 30

    private let stack: LayerStack
    /// No time is later.
    private let latest: FileTime?
    /// Whether deletions are written down.
    private let isLayer: Bool
    /// Whether no layer lies below, so that the root directory is this one's.
    private let isLowest: Bool
    private let sink: Sink
    private let buffer: UnsafeMutableRawBufferPointer
    private var holes: Int64 = 0
    /// The most bytes of them.
    private let mostOfHoles: Int64
    /// Files that cannot be in an archive, or that changed while they were read.
    private(set) var warnings: [String] = []

    init(
        of stack: LayerStack, latest: FileTime?, isLayer: Bool, isLowest: Bool,
        mostOfHoles: Int64 = TarWriter.mostOfHoles, sink: @escaping Sink
    ) {
        self.mostOfHoles = mostOfHoles
        self.stack = stack
        self.latest = latest
        self.isLayer = isLayer
        self.isLowest = isLowest
        unsafe self.sink = sink
        unsafe buffer = .allocate(byteCount: 256 << 10, alignment: 16)
    }

    deinit {
        unsafe buffer.deallocate()
    }

    func add(_ node: TreeWalk.Node) throws(Failure) {
        guard let name = node.name else { return try addRoot(node) }
        guard let found = node.found else {
            return try write(
                TarEntry(path: node.path.beside(TarWriter.whiteoutPrefix + name), kind: .regular))
        }
        if isLayer && name.starts(with: TarWriter.whiteoutPrefix) {
            throw Failure(
                "\(node.path.quoted) cannot be in an OCI layer, where a name that starts with"
                    + " \".wh.\" is a deletion; remove it, or commit to a directory")
        }
        guard var entry = try entry(node, found) else { return }
        if entry.kind != .regular {
            try write(entry)
            if node.isOpaque && isLayer {
                try write(
                    TarEntry(path: entry.path + Array(".wh..wh..opq".utf8), kind: .regular))
            }
            return
        }
        let path = node.path
        if found.isMetacopy && found.data == nil { throw Failure.missingLayer(path) }
        let file = try attempt("open", on: path, try found.openData())
        let status = try attempt("fstat", on: path, try FileStatus.of(file.borrowed))
        try addContent(of: file.borrowed, status, path, &entry)
    }

    /// The root directory, where it is not as the layers below have it: whose it is and with which
    /// mode is the business of the lowest layer.
    private func addRoot(_ node: TreeWalk.Node) throws(Failure) {
        guard let found = node.found else { return }
        let isSame =
            node.before.map { found.status.isSameOwned(as: $0.status) }
            ?? (isLayer && !isLowest && !node.saysRoot)
        if isLayer && isSame { return }
        var root = TarEntry(path: [0x2e, 0x2f], kind: .directory)
        root.permissions = found.status.permissions
        (root.userID, root.groupID) = (found.status.userID, found.status.groupID)
        root.modified = latest.map { min($0, found.status.modified) } ?? found.status.modified
        root.attributes = try attempt("getxattr", on: .root, try stack.attributes(of: found))
        try write(root)
    }

    func finish() throws(Failure) {
        try write(TarEntry.end)
    }

    /// The writer of the files decides how many there are.
    private static let mostWarnings = 100

    private func warn(_ sentence: String) {
        if warnings.count < TarWriter.mostWarnings { warnings.append(sentence) }
    }

    // MARK: One entry

    /// Nil for a socket, which nothing but its program can make.
    private func entry(
        _ node: TreeWalk.Node, _ found: LayerStack.Found
    ) throws(Failure) -> TarEntry? {
        let status = found.status
        let kind: TarEntry.Kind
        switch status.kind {
        case .regular: kind = .regular
        case .directory: kind = .directory
        case .symbolicLink: kind = .symbolicLink
        case .characterDevice: kind = .characterDevice
        case .blockDevice: kind = .blockDevice
        case .fifo: kind = .fifo
        case .socket:
            warn("\(node.path.quoted) is a socket and left out")
            return nil
        }
        var entry = TarEntry(path: node.path.bytes, kind: kind)
        if kind == .directory { entry.path.append(0x2f) }
        entry.permissions = status.permissions
        (entry.userID, entry.groupID) = (status.userID, status.groupID)
        entry.modified = latest.map { min($0, status.modified) } ?? status.modified
        entry.device = status.deviceNumber
        if let link = node.link {
            entry.kind = .hardLink
            entry.target = link.bytes
            return entry
        }
        if kind == .symbolicLink {
            entry.target = try attempt(
                "readlink", on: node.path, try found.directory.borrowed.linkTarget(found.name))
        }
        entry.attributes = try attempt("getxattr", on: node.path, try stack.attributes(of: found))
        return entry
    }

    private func addContent(
        of file: FileDescriptor, _ status: FileStatus, _ path: LayerPath, _ entry: inout TarEntry
    ) throws(Failure) {
        holes += max(0, status.size - min(status.size, status.allocated))
        if holes > mostOfHoles {
            throw Failure(
                "\(path.quoted) and the files before it have more than"
                    + " \(mostOfHoles >> 30) GiB of holes, which an archive holds as zeros;"
                    + " remove it, or commit to a directory")
        }
        entry.size = status.size
        try write(entry)
        try copy(file, status.size, path)
        try write(TarEntry.padding(entry.size))
    }

    private func copy(
        _ file: FileDescriptor, _ count: Int64, _ path: LayerPath
    ) throws(Failure) {
        var (position, left) = (Int64(0), count)
        while left > 0 {
            let piece = unsafe UnsafeMutableRawBufferPointer(
                rebasing: buffer[..<Int(min(left, Int64(buffer.count)))])
            let got = try attempt("read", on: path, try unsafe file.read(into: piece, at: position))
            if got < piece.count {
                // Its size stands in the archive already.
                warn("\(path.quoted) became shorter while it was read")
                unsafe UnsafeMutableRawBufferPointer(rebasing: piece[got...])
                    .initializeMemory(as: UInt8.self, repeating: 0)
            }
            try unsafe sink(UnsafeRawBufferPointer(piece))
            position += Int64(piece.count)
            left -= Int64(piece.count)
        }
    }

    private func write(_ entry: TarEntry) throws(Failure) { try write(entry.blocks) }

    private func write(_ bytes: [UInt8]) throws(Failure) {
        let result = unsafe bytes.withUnsafeBytes { bytes in
            Result { () throws(Failure) in try unsafe sink(bytes) }
        }
        try result.get()
    }
}

extension FileStatus {
    fileprivate func isSameOwned(as other: FileStatus) -> Bool {
        permissions == other.permissions && userID == other.userID && groupID == other.groupID
    }
}

extension TreeWalk.Node {
    /// Nil for the root.
    var name: [UInt8]? {
        if path.bytes.isEmpty { return nil }
        let start = path.bytes.lastIndex(of: 0x2f).map { $0 + 1 } ?? 0
        return Array(path.bytes[start...])
    }
}

extension LayerPath {
    /// Another name in the same directory.
    fileprivate func beside(_ name: [UInt8]) -> [UInt8] {
        guard let slash = bytes.lastIndex(of: 0x2f) else { return name }
        return bytes[...slash] + name
    }
}
