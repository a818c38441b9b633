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

    init(_ text: String) throws(Failure) {
        switch try ImageReference(text) {
        case .layout(let path, let isArchive, let tag) where tag?.hasPrefix("sha256:") != true:
            (form, self.path, self.tag) = (isArchive ? .archive : .layout, path, tag)
        case .dockerArchive(let path, let name):
            (form, self.path, tag) = (.dockerArchive, path, name)
        default:
            throw Failure(
                "\(text): unsupported output; use oci:DIR[:TAG], oci-archive:FILE[:TAG] or"
                    + " docker-archive:FILE[:NAME], and skopeo(1) to copy from there")
        }
    }

    /// - Parameter pack: Writes into the layout of that path.
    func write(_ pack: (String) throws(Failure) -> Void) throws(Failure) {
        if form == .layout { return try pack(path) }
        let place = try OutputPlace(path)
        try place.withScratch { (scratch) throws(Failure) in
            // The scratch directory itself is locked, and packing locks the layout it writes.
            let layout = "\(scratch)/layout"
            try pack(layout)
            try place.makeFile { (file) throws(Failure) in
                try PackTarget.archive(layout, to: file)
            }
        }
    }

    private static func archive(
        _ directory: String, to file: FileDescriptor
    ) throws(Failure) {
        let opened = try attempt(
            "open", on: directory, try HostPath.open(directory, [.readOnly, .directory]))
        let layout = LayerStack([LayerDirectory(opened, layer: 0)], marks: .trusted)
        _ = try LayerArchive(merged: layout).write(to: file, .none)
    }
}
