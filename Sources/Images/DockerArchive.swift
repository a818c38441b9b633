internal import Archives
internal import JSON
internal import LinuxSystem

/// The output of `docker save` and `podman save`: a tar archive with a list of images in
/// `manifest.json`. It has no digests of the layers' blobs; their diff-ids are verified.
struct DockerArchive {
    let tree: any FileTree

    /// - Parameter reference: `name:tag`; nil where there is one image only.
    func image(_ reference: String?, _ wanted: Platform?) throws(Failure) -> SavedImage {
        let place = "\(tree.name): manifest.json"
        let file = try tree.file("manifest.json", advice: "is it what docker save writes?")
        let list = try Document(try file.readDocument(), place)
        guard list.root.kind == .array else { throw list.fail("it is no array of images") }
        var images = list.root.elements
        if let place = reference?.placeInList {
            images = images.indices.contains(place) ? [images[place]] : []
        } else if let reference {
            images = images.filter { value in
                (value["RepoTags"]?.elements ?? []).contains {
                    DockerArchive.matches($0.string ?? "", reference)
                }
            }
        }
        guard let entry = images.first, images.count == 1 else {
            let names = list.root.elements.enumerated().prefix(20).flatMap { place, image in
                let tags = (image["RepoTags"]?.elements ?? []).compactMap(\.string).prefix(20)
                return tags.isEmpty ? ["@\(place)"] : tags.map { shown($0) }
            }.joined(separator: ", ")
            throw list.fail(
                (images.isEmpty
                    ? "there is no image \(shown(reference ?? ""))"
                    : "there are several images; name one of them behind a colon")
                    + (names.isEmpty ? "" : "; there are \(names)"))
        }
        guard let configPath = entry["Config"]?.string, let layers = entry["Layers"],
            layers.kind == .array
        else { throw list.fail("the image has no Config and Layers") }
        let configBytes = try tree.file(configPath).readDocument()
        var found: [SavedImage.Layer] = []
        for layer in layers.elements {
            guard let path = layer.string else { throw list.fail("a layer is no name") }
            found.append(SavedImage.Layer(tree: tree, path: path, blob: nil))
        }
        let image = SavedImage(
            config: try ImageConfig(configBytes, "\(tree.name): \(configPath)"),
            configBytes: configBytes, manifestBytes: nil, layers: found)
        try image.check(wanted, tree.name)
        return image
    }

    /// Docker and podman write the same name differently.
    private static func matches(_ tag: String, _ wanted: String) -> Bool {
        let name = wanted.contains(":") ? wanted : wanted + ":latest"
        return tag == name
            || ["docker.io/library/", "docker.io/", "localhost/"].contains { $0 + name == tag }
    }
}
