internal import Archives
internal import Images
internal import Layers
internal import LinuxSystem
internal import SystemPackage

/// The output of `pack`: a place and a format.
struct PackTarget {
    enum Form {
        case layout, archive, dockerArchive
    }

    let form: Form
    let path: String
    let tag: String?

    init(_ text: String) throws(ImageError) {
        switch try ImageReference(text) {
        case .layout(let path, let isArchive, let tag) where tag?.hasPrefix("sha256:") != true:
            (form, self.path, self.tag) = (isArchive ? .archive : .layout, path, tag)
        case .dockerArchive(let path, let name):
            (form, self.path, tag) = (.dockerArchive, path, name)
        default:
            throw ImageError(
                "\(text): unsupported output; use oci:DIR[:TAG], oci-archive:FILE[:TAG] or"
                    + " docker-archive:FILE[:NAME], and skopeo(1) to copy from there")
        }
    }

    /// - Parameter pack: Writes into the layout of that path.
    func write(_ pack: (String) throws(ImageError) -> Void) throws(ImageError) {
        if form == .layout { return try pack(path) }
        do throws(LayerError) {
            let place = try OutputPlace(path)
            try place.withScratch { (scratch) throws(LayerError) in
                // The scratch directory itself is locked, and packing locks the layout it writes.
                let layout = "\(scratch)/layout"
                do throws(ImageError) {
                    try pack(layout)
                } catch {
                    throw error
                }
                try place.makeFile { (file) throws(LayerError) in
                    try PackTarget.archive(layout, to: file)
                }
            }
        } catch {
            throw error
        }
    }

    private static func archive(
        _ directory: String, to file: FileDescriptor
    ) throws(LayerError) {
        let opened: OwnedDescriptor
        do throws(Errno) {
            opened = try HostPath.open(directory, [.readOnly, .directory])
        } catch {
            throw LayerError("open \"\(directory)\": \(error.words)")
        }
        let layout = LayerStack([LayerDirectory(opened, layer: 0)], marks: .trusted)
        _ = try LayerArchive(merged: layout).write(to: file, .none)
    }
}
