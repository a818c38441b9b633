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
    init(_ path: String) throws(Failure) {
        name = path
        let place = path + "/blobs/sha256"
        try attempt("mkdir", on: place, try HostPath.makeDirectories(place, mode: 0o755))
        root = try attempt("open", on: path, try HostPath.open(path, [.readOnly, .directory]))
        let deadline = Clock.deadline(seconds: 3600)
        try attempt("flock", on: path, try root.borrowed.waitForLock(until: deadline))
        blobs = try attempt("open", on: place, try HostPath.open(place, [.readOnly, .directory]))
        let version = Array(#"{"imageLayoutVersion": "1.0.0"}"#.utf8)
        if try !has("oci-layout") { try replace("oci-layout", with: version) }
    }

    private func has(_ file: String) throws(Failure) -> Bool {
        try attempt(
            "stat", on: "\(name)/\(file)",
            try unlessMissing(try FileStatus.of(file, in: root.borrowed)) != nil)
    }

    private func replace(_ file: String, with bytes: [UInt8]) throws(Failure) {
        try attempt(
            "write", on: "\(name)/\(file)",
            try root.borrowed.replaceFile(file, with: bytes, mode: 0o644))
    }

    /// Adds a document.
    ///
    /// - Returns: Its descriptor.
    func add(_ document: [UInt8], _ mediaType: String) throws(Failure) -> JSONOutput {
        let digest = SHA256.of(document)
        try attempt(
            "write", on: "\(name)/blobs/sha256",
            try blobs.borrowed.replaceFile(digest.hexadecimal, with: document, mode: 0o644))
        return .object([
            ("mediaType", .string(mediaType)), ("digest", .string(digest.description)),
            ("size", .integer(Int64(document.count))),
        ])
    }

    /// Adds a blob that `write` fills, under its digest.
    func addFile(
        _ write: (FileDescriptor) throws(Failure) -> (diffID: Digest, blob: Digest, size: Int64)
    ) throws(Failure) -> (diffID: Digest, blob: Digest, size: Int64) {
        let blobs = blobs.borrowed
        let aside = ".blob.\(CurrentProcess.pid)"
        let file = try attempt(
            "open", on: "\(name)/blobs/sha256",
            try blobs.open(aside, [.writeOnly, .create, .truncate], mode: 0o644))
        do throws(Failure) {
            let written = try write(file.borrowed)
            let place = "\(name)/blobs/sha256/\(written.blob.hexadecimal)"
            try attempt("fsync", on: place, try file.borrowed.synchronize())
            if let from = FileName(aside), let to = FileName(written.blob.hexadecimal) {
                try attempt("rename", on: place, try blobs.rename(from, to: to, in: blobs))
            }
            return written
        } catch {
            try? blobs.remove(aside)
            throw error
        }
    }

    /// Adds the layer of a saved image as it is; nil where it is not what it was.
    func copy(_ layer: SavedImage.Layer, _ diffID: Digest) throws(Failure) -> PackedLayer? {
        guard let known = layer.blob, let mediaType = layer.mediaType else { return nil }
        let packed = PackedLayer(
            diffID: diffID, mediaType: mediaType, blob: known.digest,
            size: known.size, annotations: layer.annotations)
        let file = known.digest.hexadecimal
        let there = try attempt(
            "stat", on: "\(name)/blobs/sha256/\(file)",
            try unlessMissing(try FileStatus.of(file, in: blobs.borrowed)))
        if let there, there.kind == .regular, there.size == known.size { return packed }
        guard let blob = try? layer.open() else { return nil }
        do throws(Failure) {
            _ = try addFile { (file) throws(Failure) in
                let digest = try blob.copy(to: file)
                if digest != known.digest { throw Failure("\(blob.name): it has changed") }
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
    ) throws(Failure) {
        let place = "\(name)/index.json"
        var images: [JSONOutput] = []
        if try has("index.json") {
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
        try replace("index.json", with: Array(index.prettyText.utf8))
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
    ) throws(Failure) {
        func path(_ digest: Digest) -> JSONOutput { .string("blobs/sha256/\(digest.hexadecimal)") }
        let tags = name.map { [JSONOutput.string($0)] } ?? []
        let list = JSONOutput.array([
            .object([
                ("Config", path(config)), ("RepoTags", .array(tags)),
                ("Layers", .array(layers.map { path($0.blob) })),
            ])
        ])
        try replace("manifest.json", with: Array(list.prettyText.utf8))
    }
}

extension Blob {
    /// Copies what it holds.
    ///
    /// - Returns: Its digest.
    borrowing func copy(to target: FileDescriptor) throws(Failure) -> Digest {
        let range = range ?? 0..<0
        let name = name
        let file = file.borrowed
        var digest = SHA256()
        try attempt("lseek", on: name, try file.moveOffset(to: range.lowerBound))
        var left = range.count
        while left > 0 {
            let piece = try attempt("read", on: name, try file.readBytes(upTo: min(left, 1 << 20)))
            if piece.isEmpty { throw Failure("read", name.inQuotes, .noData) }
            digest.add(piece)
            try attempt("write", try target.write(all: piece))
            left -= piece.count
        }
        return digest.finished()
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
