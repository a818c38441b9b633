public import Archives
public import LinuxSystem
public import SystemPackage

/// A layer, or all layers as one, as a tar archive.
public struct LayerArchive: Sendable {
    /// The archive that was written.
    public struct Written: Sendable {
        /// Of the archive before it was compressed: what an image's config names it by.
        public var diffID: Digest
        /// Of what was written.
        public var digest: Digest
        /// In bytes, compressed.
        public var size: UInt64
        /// Files that are not in the archive, or that changed meanwhile; a sentence each.
        public var warnings: [String]
    }

    private let stack: LayerStack
    private let uppers: Int
    private let isLayer: Bool
    private let isLowest: Bool

    /// The uppers, with their whiteouts.
    ///
    /// - Parameter isLowest: Whether nothing lies below it: it says what the root directory is like.
    public init(layer stack: LayerStack, uppers: Int = 1, isLowest: Bool = false) {
        self.stack = stack
        self.uppers = uppers
        self.isLowest = isLowest
        isLayer = true
    }

    /// All layers as one.
    public init(merged stack: LayerStack) {
        self.stack = stack
        uppers = 0
        isLowest = true
        isLayer = false
    }

    /// Writes it: the same files give the same bytes.
    ///
    /// - Parameters:
    ///   - latest: No time in it is later.
    ///   - mostOfHoles: How many bytes the holes of files may have; more is an error.
    ///   - progress: Is told of every piece's bytes.
    public func write(
        to file: FileDescriptor, _ compression: Compression, latest: FileTime? = nil,
        mostOfHoles: Int64 = 64 << 30, progress: @escaping (Int) -> Void = { _ in }
    ) throws(Failure) -> Written {
        let blob = try BlobOutput(compression, to: file)
        let writer = unsafe TarWriter(
            of: stack, latest: latest, isLayer: isLayer, isLowest: isLowest,
            mostOfHoles: mostOfHoles
        ) {
            (bytes) throws(Failure) in
            progress(bytes.count)
            try unsafe blob.write(bytes)
        }
        var walk = TreeWalk(stack, isLayer ? .standalone : .merged, uppers: uppers)
        while let node = try walk.next() { try writer.add(node) }
        try writer.finish()
        return try blob.finish(writer.warnings)
    }
}

/// A stream on its way to a file: counted, compressed, and counted again.
@safe
private final class BlobOutput {
    /// The target of the compressor, which holds on to this alone.
    private final class Target {
        let file: FileDescriptor
        var digest = SHA256()

        init(_ file: FileDescriptor) { self.file = file }
    }

    private let target: Target
    private let compressor: Compressor
    private var content = SHA256()

    init(_ compression: Compression, to file: FileDescriptor) throws(Failure) {
        let target = Target(file)
        self.target = target
        compressor = try unsafe Compressor(compression) { (bytes) throws(Failure) in
            unsafe target.digest.add(bytes)
            try unsafe attempt("write", try target.file.write(all: bytes))
        }
    }

    @unsafe
    func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        unsafe content.add(bytes)
        try unsafe compressor.add(bytes)
    }

    func finish(_ warnings: [String]) throws(Failure) -> LayerArchive.Written {
        try compressor.finish()
        return LayerArchive.Written(
            diffID: content.finished(), digest: target.digest.finished(),
            size: target.digest.count, warnings: warnings)
    }
}
