internal import LinuxSystem
internal import Overlay
internal import SystemPackage

extension LayerStack {
    /// A stack over directories of the host.
    ///
    /// - Parameters:
    ///   - uppers: Open, top first.
    ///   - layers: Bottom first.
    public init(
        uppers: [LayerDirectory], over layers: [String], marks: OverlayMarks, isView: Bool = false
    ) throws(LayerError) {
        var roots = uppers
        for path in layers.reversed() {
            roots.append(
                LayerDirectory(try LayerDirectory.open(layerAt: path), layer: roots.count))
        }
        self.init(roots, marks: marks, isView: isView)
    }
}

extension LayerDirectory {
    /// Opens a layer that the user has named, for reading; see `UnfollowedPath` for links.
    static func open(layerAt path: String) throws(LayerError) -> OwnedDescriptor {
        let found: OwnedDescriptor
        do throws(UnfollowedPath.Failure) {
            found = try UnfollowedPath.open(path)
        } catch {
            throw LayerError(OverlayError.opening("layer", path, error).sentence)
        }
        do throws(Errno) {
            return try found.borrowed.open(".", [.readOnly, .directory])
        } catch {
            throw LayerError(OverlayError.opening("layer", path, error).sentence)
        }
    }
}
