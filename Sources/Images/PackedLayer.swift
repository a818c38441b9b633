internal import Archives
internal import JSON

/// A layer of an image that is written.
struct PackedLayer: Sendable {
    var diffID: Digest
    var mediaType: String
    var blob: Digest
    var size: Int64
    var annotations: [(key: String, value: String)] = []

    static func type(_ compression: Compression) -> String {
        "application/vnd.oci.image.layer.v1.tar"
            + (compression == .none ? "" : "+\(compression.rawValue)")
    }

    var descriptor: JSONOutput {
        var json = JSONOutput.object([
            ("mediaType", .string(mediaType)), ("digest", .string(blob.description)),
            ("size", .integer(size)),
        ])
        if !annotations.isEmpty {
            json.set("annotations", .object(annotations.map { ($0.key, .string($0.value)) }))
        }
        return json
    }
}
