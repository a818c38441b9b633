public import Archives
public import JSON
public import LinuxSystem
public import SystemPackage

/// Writes a bundle as an image: its layers, and a config made of its config.json.
public struct Packer {
    /// Makes an archive of the directory of a layer: its diff-id, its digest and its size.
    ///
    /// `isLowest`: No layer lies below it.
    public typealias Archiver = (
        _ layer: String, _ isLowest: Bool, _ file: FileDescriptor, Compression
    ) throws(Failure) -> (diffID: Digest, blob: Digest, size: Int64)

    public var compression = Compression.gzip
    /// Whether the layout is also what `docker save` writes: its list of images, with the tag as
    /// the image's name, names the same blobs.
    public var writesDockerList = false
    public var reporter: any Reporter
    /// The defaults of config.json where an image says nothing; they do not become the image's.
    private let base: JSONOutput
    private let archive: Archiver

    /// When the image was made, in RFC 3339.
    private let created: String

    /// - Parameters:
    ///   - base: What `unpack` has put a bundle's config.json over.
    ///   - created: When the image was made, in RFC 3339.
    public init(
        reporter: any Reporter, over base: JSONOutput, created: String,
        archive: @escaping Archiver
    ) {
        self.reporter = reporter
        self.base = base
        self.created = created
        self.archive = archive
    }

    /// - Parameters:
    ///   - bundle: A directory with a config.json.
    ///   - path: Of an image layout, which is made if need be.
    ///   - tag: What the image is called in it; one of that name is replaced.
    public func pack(_ bundle: String, to path: String, tag: String?) throws(Failure) {
        let config = try Document(
            try attempt(
                "read", on: "\(bundle)/config.json",
                try HostPath.read("\(bundle)/config.json", limit: Blob.documentLimit)),
            "\(bundle)/config.json")
        let source = try KeptImage(bundle, reporter)
        let layout = try LayoutWriter(path)
        let paths = try Packer.layers(of: config, bundle)
        var layers: [PackedLayer] = []
        for path in paths {
            layers.append(try add(path, isLowest: layers.isEmpty, to: layout, source))
        }
        let document = PackedConfig(
            config: config, original: source.config, base: base, layers: layers, created: created)
        let userName = source.userName(of: document.user, in: paths)
        let configBytes = Array(document.json(userName).prettyText.utf8)
        let configBlob = try layout.add(configBytes, "application/vnd.oci.image.config.v1+json")
        let type = "application/vnd.oci.image.manifest.v1+json"
        let manifest = JSONOutput.object([
            ("schemaVersion", .integer(2)), ("mediaType", .string(type)), ("config", configBlob),
            ("layers", .array(layers.map(\.descriptor))),
        ])
        let descriptor = try layout.add(Array(manifest.prettyText.utf8), type)
        // Such an archive is an image layout too, and so podman takes it.
        let name = writesDockerList ? tag.map(LayoutWriter.tagged) : tag
        try layout.list(descriptor, as: name, document.platform)
        if writesDockerList {
            try layout.listForDocker(config: SHA256.of(configBytes), layers, name: name)
        }
    }

    /// The directories of a bundle's layers, bottom first.
    private static func layers(
        of config: Document, _ bundle: String
    ) throws(Failure) -> [String] {
        var paths: [String] = []
        for value in config.root["vfs"]?["overlay"]?["layers"]?.elements ?? [] {
            guard let path = value.string else {
                throw config.fail("vfs.overlay.layers has an element that is no text")
            }
            paths.append(path)
        }
        if paths.isEmpty, let root = config.root["root"]?["path"]?.string { paths = [root] }
        if paths.isEmpty { throw config.fail("it has neither vfs.overlay.layers nor root.path") }
        return paths.map { path in
            if let digest = Digest(path) {
                return "\(bundle)/layers/\(LayerStore.location(of: digest))"
            }
            return path.hasPrefix("/") ? path : "\(bundle)/\(path)"
        }
    }

    /// A layer as it was saved, where that is still to be had; otherwise an archive of what it is.
    private func add(
        _ path: String, isLowest: Bool, to layout: LayoutWriter, _ source: KeptImage
    ) throws(Failure) -> PackedLayer {
        let name = path.split(separator: "/").last ?? ""
        if let diffID = Digest(hexadecimal: name.utf8), let saved = source.layer(diffID) {
            if let kept = try layout.copy(saved, diffID) { return kept }
        }
        defer { reporter.endProgress() }
        let written = try layout.addFile { (file) throws(Failure) in
            try archive(path, isLowest, file, compression)
        }
        if let diffID = Digest(hexadecimal: name.utf8), diffID != written.diffID {
            reporter.note(
                "the layer \(diffID) is written again as \(written.diffID): its original archive is"
                    + " not available")
        }
        return PackedLayer(
            diffID: written.diffID, mediaType: PackedLayer.type(compression),
            blob: written.blob, size: written.size)
    }
}
