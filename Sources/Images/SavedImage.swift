internal import Archives
internal import LinuxSystem

/// An image that was found: its config, and where its layers are.
struct SavedImage {
    /// A layer as it was saved.
    struct Layer {
        var tree: any FileTree
        var path: String
        /// Of the bytes as they lie there; nil where nothing says it.
        var blob: (digest: Digest, size: Int64)?
        /// As the manifest says it.
        var mediaType: String?
        var annotations: [(key: String, value: String)] = []

        func open() throws(Failure) -> Blob { try tree.file(path) }
    }

    var config: ImageConfig
    /// The documents as they are, for who packs the image again.
    var configBytes: [UInt8]
    var manifestBytes: [UInt8]?
    /// As many as the config has diff-ids, bottom first.
    var layers: [Layer]

    /// The requirements on both kinds of images.
    func check(_ wanted: Platform?, _ name: String) throws(Failure) {
        if layers.count != config.diffIDs.count {
            throw Failure(
                "\(name): the image has \(layers.count) layers, and its config names"
                    + " \(config.diffIDs.count)")
        }
        if layers.isEmpty { throw Failure("\(name): the image has no layers") }
        if layers.count > 500 {
            throw Failure("\(name): the image has \(layers.count) layers; an overlay takes 500")
        }
        if (wanted ?? .current).rank(of: config.platform) == nil {
            throw Failure(
                "\(name): the image is for \(config.platform), not for \(wanted ?? .current);"
                    + " --platform \(config.platform) unpacks it all the same")
        }
    }
}
