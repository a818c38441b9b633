internal import Archives
internal import LinuxSystem
internal import SystemPackage

extension Unpacker {
    /// The layers of one image, one after the other.
    struct Work {
        private let unpacker: Unpacker
        private let store: LayerStore
        /// What is left of them for the layers to come.
        private var limits: Limits
        private(set) var notes: [String] = []
        private let count: Int
        private var number = 0

        /// - Parameter count: How many layers there are.
        init(_ unpacker: Unpacker, _ store: LayerStore, _ count: Int) {
            self.unpacker = unpacker
            self.count = count
            self.store = store
            limits = unpacker.limits
        }

        /// A layer of a saved image, unless it is there.
        mutating func unpack(_ layer: SavedImage.Layer, _ diffID: Digest) throws(ImageError) {
            number += 1
            if try store.layer(diffID) != nil { return }
            let blob = try layer.open()
            let name = blob.name
            if let known = layer.blob, let range = blob.range, Int64(range.count) != known.size {
                throw ImageError(
                    "\(name): it has \(range.count) bytes, and the manifest says \(known.size)")
            }
            try write(blob, name, mayBeEmpty: true) { ending throws(ImageError) in
                if let known = layer.blob,
                    ending.blob != known.digest || ending.blobSize != known.size
                {
                    throw ImageError(
                        "\(name): its digest is \(ending.blob), and the manifest says"
                            + " \(known.digest); it is damaged, or somebody has changed it")
                }
                if ending.content != diffID {
                    throw ImageError(
                        "\(name): unpacked its digest is \(ending.content), and the image's config"
                            + " says \(diffID); it is damaged, or somebody has changed it")
                }
            }
        }

        /// A tar of a root file system.
        ///
        /// - Returns: Its diff-id.
        mutating func unpack(_ blob: consuming Blob) throws(ImageError) -> Digest {
            let name = blob.name
            return try write(blob, name, mayBeEmpty: false) { _ in }
        }

        @discardableResult
        private mutating func write(
            _ blob: consuming Blob, _ name: String, mayBeEmpty: Bool,
            _ verify: (BlobStream.Ending) throws(ImageError) -> Void
        ) throws(ImageError) -> Digest {
            let total = blob.range.map { Int64($0.count) }
            let layer = try store.makePartial()
            do throws(ImageError) {
                let root = try atFile(name) { () throws(Errno) in
                    try OwnedDescriptor.duplicate(layer.root.borrowed)
                }
                let ending = try writeContent(blob, name, mayBeEmpty: mayBeEmpty, total, root)
                unpacker.reporter.endProgress()
                try verify(ending)
                try store.finish(
                    layer, as: ending.content, synchronizing: unpacker.synchronizes)
                return ending.content
            } catch {
                unpacker.reporter.endProgress()
                store.discardPartial()
                throw error
            }
        }

        private mutating func writeContent(
            _ blob: consuming Blob, _ name: String, mayBeEmpty: Bool, _ total: Int64?,
            _ root: consuming OwnedDescriptor
        ) throws(ImageError) -> BlobStream.Ending {
            let stream = try BlobStream(blob, atMost: limits.size)
            let label = count > 1 ? "layer \(number) of \(count)" : name
            let reader: ArchiveReader
            do throws(ArchiveError) {
                reader = try unsafe ArchiveReader {
                    [reporter = unpacker.reporter, label] () throws(ArchiveError) in
                    reporter.progress(label, done: stream.consumed, of: total)
                    return try unsafe stream.nextPiece()
                }
            } catch {
                throw ImageError(Work.sentence(name, error))
            }
            let writer = LayerWriter(root, reading: reader, store.privilege, limits)
            do throws(ImageError) {
                try writer.writeAll(counted: stream.allowEntry)
            } catch {
                throw ImageError("\(name): \(error.message)")
            }
            if !mayBeEmpty && writer.limits.entries == limits.entries {
                throw ImageError(
                    "\(name): it holds no file; a tar of a root file system is expected")
            }
            limits = writer.limits
            notes += writer.notes.filter { [notes] note in !notes.contains(note) }
            do throws(ArchiveError) {
                return try stream.finish()
            } catch {
                throw ImageError(Work.sentence(name, error))
            }
        }

        private static func sentence(_ name: String, _ error: ArchiveError) -> String {
            "\(name): \(error.message)"
                + (error.message == "unrecognized archive format"
                    ? "; a tar archive is expected, plain or compressed by gzip, zstd, xz or bzip2"
                    : "")
        }
    }
}

extension SavedImage {
    /// Keeps the documents of the image beside its bundle, for `pack`.
    ///
    /// - Parameter source: Where it was.
    func keepDocuments(
        in bundle: FileDescriptor, _ name: String, _ source: String
    ) throws(ImageError) {
        try atFile("\(name)/image") { () throws(Errno) in
            guard let directoryName = FileName("image") else { throw .invalidArgument }
            do throws(Errno) {
                _ = try bundle.makePlainDirectory(directoryName, mode: 0o755)
            } catch .fileExists {
            }
            let directory = try bundle.open("image", [.readOnly, .directory])
            try directory.borrowed.replaceFile("config.json", with: configBytes, mode: 0o644)
            try directory.borrowed.replaceFile("source", with: Array(source.utf8), mode: 0o644)
            if let manifestBytes {
                try directory.borrowed.replaceFile(
                    "manifest.json", with: manifestBytes, mode: 0o644)
            }
        }
    }
}
