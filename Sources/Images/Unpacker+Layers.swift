internal import Archives
internal import LinuxSystem
internal import SystemPackage

extension Unpacker {
    /// The layers of one image, one after the other.
    struct Work {
        private let unpacker: Unpacker
        private let store: LayerStore
        /// The rest of them, for the layers to come.
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
        mutating func unpack(_ layer: SavedImage.Layer, _ diffID: Digest) throws(Failure) {
            number += 1
            if try store.layer(diffID) != nil { return }
            let blob = try layer.open()
            let name = blob.name
            try layer.check(size: blob.range.map { Int64($0.count) }, name)
            try write(blob, name, mayBeEmpty: true) { ending throws(Failure) in
                try layer.check(ending, diffID, name)
            }
        }

        /// A tar of a root file system.
        ///
        /// - Returns: Its diff-id.
        mutating func unpack(_ blob: consuming Blob) throws(Failure) -> Digest {
            let name = blob.name
            return try write(blob, name, mayBeEmpty: false) { _ in }
        }

        @discardableResult
        private mutating func write(
            _ blob: consuming Blob, _ name: String, mayBeEmpty: Bool,
            _ verify: (BlobStream.Ending) throws(Failure) -> Void
        ) throws(Failure) -> Digest {
            let total = blob.range.map { Int64($0.count) }
            let layer = try store.makePartial()
            do throws(Failure) {
                let root = try attempt(
                    "dup", on: name, try OwnedDescriptor.duplicate(layer.borrowed))
                let ending = try writeContent(blob, name, mayBeEmpty: mayBeEmpty, total, root)
                unpacker.reporter.endProgress()
                try verify(ending)
                try store.finish(
                    layer.borrowed, as: ending.content, synchronizing: unpacker.synchronizes)
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
        ) throws(Failure) -> BlobStream.Ending {
            let stream = try BlobStream(blob, atMost: limits.size)
            let reader = try makeReader(stream, name, total)
            let writer = LayerWriter(root, reading: reader, store.privilege, limits)
            try within(name, try writer.writeAll(counted: stream.allowEntry))
            if !mayBeEmpty && writer.limits.entries == limits.entries {
                throw Failure(
                    "\(name): it holds no file; a tar of a root file system is expected")
            }
            limits = writer.limits
            notes += writer.notes.filter { [notes] note in !notes.contains(note) }
            return try within(name, try stream.finish())
        }

        private func makeReader(
            _ stream: BlobStream, _ name: String, _ total: Int64?
        ) throws(Failure) -> ArchiveReader {
            let label = count > 1 ? "layer \(number) of \(count)" : name
            do throws(Failure) {
                return try unsafe ArchiveReader {
                    [reporter = unpacker.reporter] () throws(Failure) in
                    reporter.progress(label, done: stream.consumed, of: total)
                    return try unsafe stream.nextPiece()
                }
            } catch {
                var failure = error
                if error.subject == "unrecognized archive format" {
                    failure.advice =
                        "a tar archive is expected, plain or compressed by gzip, zstd, xz or bzip2"
                }
                throw failure.within(name)
            }
        }
    }
}

extension SavedImage.Layer {
    /// - Parameter size: Of the bytes that lie there; nil for a stream.
    func check(size: Int64?, _ name: String) throws(Failure) {
        if let known = blob, let size, size != known.size {
            throw Failure("\(name): it has \(size) bytes, and the manifest says \(known.size)")
        }
    }

    /// The digests, when all of it was read.
    func check(
        _ ending: BlobStream.Ending, _ diffID: Digest, _ name: String
    ) throws(Failure) {
        if let known = blob, ending.blob != known.digest || ending.blobSize != known.size {
            throw Failure(
                "\(name): its digest is \(ending.blob), and the manifest says"
                    + " \(known.digest); it is damaged or was changed")
        }
        if ending.content != diffID {
            throw Failure(
                "\(name): unpacked its digest is \(ending.content), and the image's config"
                    + " says \(diffID); it is damaged or was changed")
        }
    }
}

extension SavedImage {
    /// Keeps the documents of the image beside its bundle, for `pack`.
    ///
    /// - Parameter source: Where it was.
    func keepDocuments(
        in bundle: FileDescriptor, _ name: String, _ source: String
    ) throws(Failure) {
        let place = "\(name)/image"
        let directory = try attempt("mkdir", on: place, try bundle.openOrMake("image", mode: 0o755))
        let documents = [
            ("config.json", configBytes), ("source", Array(source.utf8)),
            ("manifest.json", manifestBytes),
        ]
        for (file, bytes) in documents {
            guard let bytes else { continue }
            try attempt(
                "write", on: "\(place)/\(file)",
                try directory.borrowed.replaceFile(file, with: bytes, mode: 0o644))
        }
    }
}
