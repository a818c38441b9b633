internal import Layers
internal import LinuxSystem

/// Where the volumes of an image lie in its root file system.
///
/// The image wrote them: a volume becomes a mount that the runtime fills with what the image has
/// there, so none of them may be what the kernel shows there, or lead to it by a link.
struct ImageVolumes {
    struct Place: Hashable {
        /// Absolute, without links.
        var path: String
        /// Whether the image has a directory there, whose mode and owner the volume gets.
        var exists: Bool
    }

    /// Each once, in the order of their paths.
    private(set) var places: [Place] = []
    /// The volumes that were left out, and why.
    private(set) var notes: [String] = []

    /// No image has more; each one is a mount.
    private static let most = 1000
    /// Where the runtime mounts what the kernel shows.
    private static let kernelPlaces = ["dev", "proc", "sys"]

    init(_ volumes: [String], in layers: LayerStack) throws(Failure) {
        if volumes.count > ImageVolumes.most {
            throw Failure(
                "the image has \(volumes.count) volumes; \(ImageVolumes.most) are the most")
        }
        for volume in volumes {
            let name = shown(volume)
            do throws(Failure) {
                let found = try layers.resolve(volume)
                if let fault = ImageVolumes.fault(found) {
                    notes.append("the volume \(name) is left out: \(fault)")
                    continue
                }
                let place = Place(path: found.path.text, exists: found.status != nil)
                if !places.contains(where: { $0.path == place.path }) { places.append(place) }
            } catch {
                notes.append("the volume \(name) is left out: \(error.message)")
            }
        }
        places.sort { $0.path < $1.path }
    }

    /// Why something is no place for a volume.
    private static func fault(_ found: LayerStack.Resolved) -> String? {
        let path = found.path
        let top = path.text.split(separator: "/").first.map(String.init)
        guard let top else { return "it is the root directory" }
        if kernelPlaces.contains(top) { return "/\(top) shows what the kernel has there" }
        if !path.isText || path.text.utf8.contains(0) { return "its path is no text" }
        if path.text.utf8.count > 4000 { return "its path is too long" }
        if let status = found.status, status.kind != .directory {
            return "the image has no directory there"
        }
        return nil
    }
}
