internal import Archives
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// An image layout that something is added to: blobs first, then the index that lists them.
final class LayoutWriter {
    private let name: String
    /// Held while it lives: it is the lock, too.
    private let root: OwnedDescriptor
    private let blobs: OwnedDescriptor

    /// Opens a layout, or makes one in an empty or new directory.
    init(_ path: String) throws(ImageError) {
        name = path
        let root = try atFile(path) { () throws(Errno) in
            try HostPath.makeDirectories(path + "/blobs/sha256", mode: 0o755)
            let root = try HostPath.open(path, [.readOnly, .directory])
            try root.borrowed.waitForLock(until: Clock.deadline(seconds: 3600))
            return root
        }
        blobs = try atFile(path + "/blobs/sha256") { () throws(Errno) in
            try HostPath.open(path + "/blobs/sha256", [.readOnly, .directory])
        }
        try atFile(path + "/oci-layout") { () throws(Errno) in
            if try unlessMissing(try FileStatus.of("oci-layout", in: root.borrowed)) != nil {
                return
            }
            try root.borrowed.replaceFile(
                "oci-layout", with: Array(#"{"imageLayoutVersion": "1.0.0"}"#.utf8), mode: 0o644)
        }
        self.root = root
    }

    /// Adds a document.
    ///
    /// - Returns: Its descriptor.
    func add(_ document: [UInt8], _ mediaType: String) throws(ImageError) -> JSONOutput {
        let digest = SHA256.of(document)
        let blobs = blobs.borrowed
        try atFile("\(name)/blobs/sha256") { () throws(Errno) in
            try blobs.replaceFile(digest.hexadecimal, with: document, mode: 0o644)
        }
        return .object([
            ("mediaType", .string(mediaType)), ("digest", .string(digest.description)),
            ("size", .integer(Int64(document.count))),
        ])
    }

    /// Adds a blob that `write` fills, under its digest.
    func addFile(
        _ write: (FileDescriptor) throws(ImageError) -> (diffID: Digest, blob: Digest, size: Int64)
    ) throws(ImageError) -> (diffID: Digest, blob: Digest, size: Int64) {
        let blobs = blobs.borrowed
        let aside = ".blob.\(CurrentProcess.pid)"
        let file = try atFile("\(name)/blobs/sha256") { () throws(Errno) in
            try blobs.open(aside, [.writeOnly, .create, .truncate], mode: 0o644)
        }
        do throws(ImageError) {
            let written = try write(file.borrowed)
            try atFile("\(name)/blobs/sha256/\(written.blob.hexadecimal)") { () throws(Errno) in
                try file.borrowed.synchronize()
                guard let from = FileName(aside), let to = FileName(written.blob.hexadecimal) else {
                    throw .invalidArgument
                }
                try blobs.rename(from, to: to, in: blobs)
            }
            return written
        } catch {
            try? blobs.remove(aside)
            throw error
        }
    }

    /// Adds the layer of a saved image as it is; nil where it is not what it was.
    func copy(_ layer: SavedImage.Layer, _ diffID: Digest) throws(ImageError) -> PackedLayer? {
        guard let known = layer.blob, let mediaType = layer.mediaType else { return nil }
        let packed = PackedLayer(
            diffID: diffID, isKept: true, mediaType: mediaType, blob: known.digest,
            size: known.size, annotations: layer.annotations)
        let blobs = blobs.borrowed
        let there = try atFile("\(name)/blobs/sha256/\(known.digest.hexadecimal)") {
            () throws(Errno) in
            try unlessMissing(try FileStatus.of(known.digest.hexadecimal, in: blobs))
        }
        if let there, there.kind == .regular, there.size == known.size { return packed }
        guard let blob = try? layer.open() else { return nil }
        do throws(ImageError) {
            _ = try addFile { (file) throws(ImageError) in
                let digest = try blob.copy(to: file)
                if digest != known.digest { throw ImageError("\(blob.name): it has changed") }
                return (diffID, digest, known.size)
            }
        } catch {
            return nil
        }
        return packed
    }

    /// Puts an image into the index, in the place of one of the same name.
    func list(
        _ manifest: JSONOutput, as tag: String?, _ platform: Platform
    ) throws(ImageError) {
        let place = "\(name)/index.json"
        var images: [JSONOutput] = []
        let root = root.borrowed
        let there = try atFile(place) { () throws(Errno) in
            try unlessMissing(try FileStatus.of("index.json", in: root))
        }
        if there != nil {
            let index = try Document(
                try DirectoryTree(name).file("index.json").readDocument(), place)
            guard let list = index.root["manifests"], list.kind == .array else {
                throw index.fail("it has no manifests; is it an index?")
            }
            for entry in list.elements {
                let other = entry["annotations"]?["org.opencontainers.image.ref.name"]?.string
                if other != tag { images.append(JSONOutput(entry)) }
            }
        }
        var entry = manifest
        if let tag {
            entry.set(
                "annotations",
                .object([("org.opencontainers.image.ref.name", .string(tag))]))
        }
        entry.set("platform", platform.json)
        images.append(entry)
        let index = JSONOutput.object([
            ("schemaVersion", .integer(2)),
            ("mediaType", .string("application/vnd.oci.image.index.v1+json")),
            ("manifests", .array(images)),
        ])
        try atFile(place) { () throws(Errno) in
            try root.replaceFile("index.json", with: Array(index.prettyText.utf8), mode: 0o644)
        }
    }
}

extension LayoutWriter {
    /// A name without a tag means the latest.
    static func tagged(_ name: String) -> String {
        let isTagged = name.split(separator: "/").last?.contains(":") == true
        return isTagged ? name : name + ":latest"
    }

    /// `manifest.json` of a docker-archive, as Docker itself writes it into a layout since 25.0.
    ///
    /// - Parameter name: With its tag.
    func listForDocker(
        config: Digest, _ layers: [PackedLayer], name: String?
    ) throws(ImageError) {
        func path(_ digest: Digest) -> JSONOutput { .string("blobs/sha256/\(digest.hexadecimal)") }
        let tags = name.map { [JSONOutput.string($0)] } ?? []
        let list = JSONOutput.array([
            .object([
                ("Config", path(config)), ("RepoTags", .array(tags)),
                ("Layers", .array(layers.map { path($0.blob) })),
            ])
        ])
        let root = root.borrowed
        try atFile("\(self.name)/manifest.json") { () throws(Errno) in
            try root.replaceFile(
                "manifest.json", with: Array(list.prettyText.utf8), mode: 0o644)
        }
    }
}

extension Blob {
    /// Copies what it holds.
    ///
    /// - Returns: Its digest.
    borrowing func copy(to target: FileDescriptor) throws(ImageError) -> Digest {
        let range = range ?? 0..<0
        let name = name
        let file = file.borrowed
        return try atFile(name) { () throws(Errno) in
            var digest = SHA256()
            try file.moveOffset(to: range.lowerBound)
            var left = Int64(range.count)
            while left > 0 {
                let piece = try file.readBytes(upTo: Int(min(left, 1 << 20)))
                if piece.isEmpty { throw .noData }
                digest.add(piece)
                try target.write(all: piece)
                left -= Int64(piece.count)
            }
            return digest.finished()
        }
    }
}

extension Platform {
    var json: JSONOutput {
        var json = JSONOutput.object([
            ("architecture", .string(architecture)), ("os", .string(system)),
        ])
        if let variant { json.set("variant", .string(variant)) }
        return json
    }
}
