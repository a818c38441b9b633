internal import Archives
internal import JSON
internal import Layers
internal import LinuxSystem
internal import SystemPackage

/// The image that a bundle was made of, as far as the bundle keeps it: its config, and its place.
final class KeptImage {
    let config: Document?
    private let saved: SavedImage?

    /// An image that is not there any more, or has changed, counts as none: the bundle is all there
    /// is.
    init(_ bundle: String, _ reporter: any Reporter) throws(Failure) {
        func kept(_ name: String) throws(Failure) -> [UInt8]? {
            try attempt(
                "read", on: "\(bundle)/image/\(name)",
                try unlessMissing(
                    try HostPath.read("\(bundle)/image/\(name)", limit: Blob.documentLimit)))
        }
        config = try kept("config.json").map { bytes throws(Failure) in
            try Document(bytes, "\(bundle)/image/config.json")
        }
        guard let text = try kept("source"), let manifest = try kept("manifest.json"),
            let reference = try? ImageReference(String(decoding: text, as: UTF8.self)),
            case .layout(let path, let isArchive, _) = reference
        else {
            saved = nil
            return
        }
        saved = try? KeptImage.find(path, isArchive, SHA256.of(manifest), bundle, reporter)
    }

    private static func find(
        _ path: String, _ isArchive: Bool, _ manifest: Digest, _ bundle: String,
        _ reporter: any Reporter
    ) throws(Failure) -> SavedImage {
        guard isArchive else {
            return try OCILayout(try DirectoryTree(path)).image(manifest: manifest)
        }
        let directory = try attempt(
            "open", on: bundle, try HostPath.open(bundle, [.readOnly, .directory]))
        let tree = try TarTree(
            path, spoolingIn: directory.borrowed, atMost: Limits().size, reporter)
        return try OCILayout(tree).image(manifest: manifest)
    }

    func layer(_ diffID: Digest) -> SavedImage.Layer? {
        guard let saved, let place = saved.config.diffIDs.firstIndex(of: diffID) else { return nil }
        return saved.layers[place]
    }

    /// The user as the image names it, where that is the one of these numbers.
    ///
    /// - Parameter layers: Directories, bottom first.
    func userName(of user: ImageUser, in layers: [String]) -> String? {
        guard let name = config?.root["config"]?["User"]?.string else { return nil }
        guard let stack = try? LayerStack(of: layers) else { return nil }
        return (try? UserDatabase(stack).find(name)) == user ? name : nil
    }
}
