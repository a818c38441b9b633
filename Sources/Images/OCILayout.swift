internal import Archives
internal import JSON
internal import LinuxSystem

/// An OCI image layout (OCI image-spec, image layout).
struct OCILayout {
    let tree: any FileTree

    init(_ tree: any FileTree) throws(Failure) {
        self.tree = tree
        let file = try tree.file("oci-layout", advice: "is it an OCI image layout?")
        let version = try Document(try file.readDocument(), place("oci-layout"))
        guard version.root["imageLayoutVersion"]?.string == "1.0.0" else {
            throw version.fail("its imageLayoutVersion is not 1.0.0")
        }
    }

    private func place(_ path: String) -> String { "\(tree.name)/\(path)" }

    /// - Parameters:
    ///   - reference: A tag, or a digest of a manifest; nil where there is one image only.
    func image(_ reference: String?, _ wanted: Platform?) throws(Failure) -> SavedImage {
        let index = try Document(try tree.file("index.json").readDocument(), place("index.json"))
        let manifest = try choose(
            try self.entries(of: index), reference, wanted ?? .current, index, depth: 0)
        let image = try self.image(manifest)
        try image.check(wanted, tree.name)
        return image
    }

    /// The image of that manifest, whatever the index says.
    func image(manifest digest: Digest) throws(Failure) -> SavedImage {
        let size = try tree.file(path(of: digest)).range.map { Int64($0.count) } ?? 0
        return try image(Descriptor(manifest: digest, size: size))
    }

    private func image(_ manifest: Descriptor) throws(Failure) -> SavedImage {
        let bytes = try read(manifest)
        let document = try Document(bytes, place(path(of: manifest.digest)))
        try OCILayout.checkKind(document, manifest, isIndex: false)
        guard let configValue = document.root["config"], let layers = document.root["layers"],
            layers.kind == .array
        else { throw document.fail("it has no config and layers; is it the manifest of an image?") }
        let config = try Descriptor(configValue, in: document)
        let configBytes = try read(config)
        var found: [SavedImage.Layer] = []
        for value in layers.elements {
            let layer = try Descriptor(value, in: document)
            try OCILayout.checkLayer(layer, document)
            found.append(
                SavedImage.Layer(
                    tree: tree, path: path(of: layer.digest), blob: (layer.digest, layer.size),
                    mediaType: layer.mediaType, annotations: layer.annotations))
        }
        var image = SavedImage(
            config: try ImageConfig(configBytes, place(path(of: config.digest))),
            configBytes: configBytes, manifestBytes: bytes, layers: found)
        // The index may know more of it than its config does.
        if let listed = manifest.platform, image.config.platform.variant == nil,
            image.config.platform.architecture == listed.architecture
        {
            image.config.platform.variant = listed.variant
        }
        return image
    }

    private func path(of digest: Digest) -> String { "blobs/sha256/\(digest.hexadecimal)" }

    /// A document, verified.
    private func read(_ descriptor: Descriptor) throws(Failure) -> [UInt8] {
        let bytes = try tree.file(path(of: descriptor.digest)).readDocument()
        if Int64(bytes.count) != descriptor.size || SHA256.of(bytes) != descriptor.digest {
            throw Failure(
                "\(place(path(of: descriptor.digest))): its digest differs from its"
                    + " name; it is damaged or was changed")
        }
        return bytes
    }

    private func entries(of index: Document) throws(Failure) -> [Descriptor] {
        guard let list = index.root["manifests"], list.kind == .array else {
            throw index.fail("it has no manifests; is it an index?")
        }
        var entries: [Descriptor] = []
        for value in list.elements { entries.append(try Descriptor(value, in: index)) }
        return entries
    }

    /// The one manifest that is meant, through the indexes on the way.
    private func choose(
        _ entries: [Descriptor], _ reference: String?, _ wanted: Platform, _ index: Document,
        depth: Int
    ) throws(Failure) -> Descriptor {
        let candidates = try OCILayout.named(reference, among: entries, index)
        // Attestations and the like are listed for a platform that is none; a manifest that names no
        // platform is taken where no other one fits.
        let fitting = candidates.compactMap { entry -> (descriptor: Descriptor, rank: Int)? in
            guard let platform = entry.platform else { return (entry, .max) }
            return wanted.rank(of: platform).map { (entry, $0) }
        }
        guard let best = fitting.min(by: { $0.rank < $1.rank }) else {
            if candidates.isEmpty { throw index.fail("it lists no image") }
            let platforms = candidates.compactMap { $0.platform?.description }.prefix(20)
            throw index.fail(
                "there is no image for \(wanted); there are \(platforms.joined(separator: ", "))")
        }
        let chosen = best.descriptor
        let isAmbiguous = fitting.contains {
            $0.descriptor.digest != chosen.digest
                && ($0.rank == best.rank || $0.rank == .max
                    || $0.descriptor.reference != chosen.reference)
        }
        if isAmbiguous && reference == nil && depth == 0 {
            throw index.fail(
                "there are several images; name one of them behind a colon"
                    + OCILayout.names(fitting.map(\.descriptor), ": "))
        }
        guard chosen.isIndex else { return chosen }
        if depth > 3 { throw index.fail("indexes lead to indexes too often") }
        let inner = try Document(try read(chosen), place(path(of: chosen.digest)))
        try OCILayout.checkKind(inner, chosen, isIndex: true)
        return try choose(try self.entries(of: inner), nil, wanted, inner, depth: depth + 1)
    }

    /// - Parameter reference: A tag, a digest, or `@` and the place in the index, from 0.
    private static func named(
        _ reference: String?, among entries: [Descriptor], _ index: Document
    ) throws(Failure) -> [Descriptor] {
        guard let reference else { return entries }
        if let place = reference.placeInList, entries.indices.contains(place) {
            return [entries[place]]
        }
        let found = entries.filter {
            $0.reference == reference || $0.digest.description == reference
        }
        if found.isEmpty {
            throw index.fail(
                "there is no image \(shown(reference))" + names(entries, "; there are ")
            )
        }
        return found
    }

    /// The names of the entries, those without a tag by their places.
    private static func names(_ entries: [Descriptor], _ before: String) -> String {
        let names = entries.enumerated().prefix(20).map { place, entry in
            entry.reference.map { shown($0) } ?? "@\(place)"
        }
        return names.isEmpty ? "" : before + names.joined(separator: ", ")
    }

    /// A document that is a manifest to one reader and an index to another hides something from
    /// one of them (CVE-2021-41190).
    private static func checkKind(
        _ document: Document, _ descriptor: Descriptor, isIndex: Bool
    ) throws(Failure) {
        let root = document.root
        if let type = root["mediaType"]?.string, !descriptor.mediaType.isEmpty,
            type != descriptor.mediaType
        {
            throw document.fail(
                "its media type is \(shown(type)), but its descriptor says"
                    + " \(shown(descriptor.mediaType))")
        }
        if root["manifests"] != nil && (root["layers"] != nil || root["config"] != nil) {
            throw document.fail("it is a manifest and an index at once; it can be neither")
        }
        if isIndex != (root["manifests"] != nil) {
            throw document.fail("it is not what its media type says")
        }
    }

    private static let layerTypes = [
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.zstd",
    ]

    private static func checkLayer(
        _ layer: Descriptor, _ document: Document
    ) throws(Failure) {
        if layerTypes.contains(layer.mediaType) { return }
        throw document.fail(
            "the layer \(layer.digest) is of the type \(shown(layer.mediaType)); tar,"
                + " tar+gzip and tar+zstd are known")
    }
}
