internal import Archives
internal import JSON
internal import LinuxSystem

/// The description of a blob in a document (OCI image-spec, descriptor).
struct Descriptor: Sendable {
    var mediaType: String
    var digest: Digest
    var size: Int64
    /// `org.opencontainers.image.ref.name`.
    var reference: String?
    var annotations: [(key: String, value: String)] = []
    var platform: Platform?

    init(_ value: JSONValue, in document: Document) throws(Failure) {
        guard value.kind == .object else { throw document.fail("a descriptor is not an object") }
        mediaType = value["mediaType"]?.string ?? ""
        let written = value["digest"]?.string ?? ""
        guard let digest = Digest(written) else {
            throw document.fail(
                "the digest \(shown(written)) is not sha256: and 64 lower-case digits")
        }
        self.digest = digest
        guard let size = value["size"]?.integer(Int64.self), size >= 0 else {
            throw document.fail("the descriptor of \(digest) has no size")
        }
        self.size = size
        reference = value["annotations"]?["org.opencontainers.image.ref.name"]?.string
        for (key, value) in value["annotations"]?.members ?? [] {
            guard let key = key.string, let text = value.string else { continue }
            annotations.append((key, text))
        }
        // One that names neither says nothing.
        if let found = value["platform"], let system = found["os"]?.string, !system.isEmpty,
            let architecture = found["architecture"]?.string, !architecture.isEmpty
        {
            platform = Platform(
                system: system, architecture: architecture, variant: found["variant"]?.string)
        }
    }

    /// A manifest that was known before.
    init(manifest digest: Digest, size: Int64) {
        mediaType = ""
        self.digest = digest
        self.size = size
    }

    /// A document that lists others.
    var isIndex: Bool {
        mediaType == "application/vnd.oci.image.index.v1+json"
            || mediaType == "application/vnd.docker.distribution.manifest.list.v2+json"
    }
}
