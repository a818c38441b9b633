public import LinuxSystem
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
            let opened = try LayerDirectory.open(layerAt: path)
            let recorded: LayerMarks?
            do throws(Errno) {
                recorded = try LayerMarks(recordedOn: opened.borrowed)
            } catch {
                throw LayerError(OverlayError.opening("layer", path, error).sentence)
            }
            roots.append(LayerDirectory(opened, layer: roots.count))
            do throws(OverlayError) {
                if let own = marks.kind { try recorded?.require(own, path) }
            } catch {
                throw Failure(error.sentence)
            }
        }
        self.init(roots, marks: marks, isView: isView)
    }

    /// A stack for looking into layers of an image.
    ///
    /// - Parameter roots: Top first, numbered from 0; may be mere handles.
    /// - Throws: Some of them note what they hide in a way that the others do not.
    public init(looking roots: [LayerDirectory]) throws(LayerError) {
        var marks: OverlayMarks?
        for root in roots {
            let recorded = try on(.root, "getxattr") { () throws(Errno) in
                try LayerMarks(recordedOn: root.borrowed).map(OverlayMarks.init)
            }
            if let recorded, let marks, marks != recorded {
                throw LayerError(
                    "some layers were made by root and some by an ordinary user, and no overlay"
                        + " would see what both of them hide; unpack the image into another directory"
                )
            }
            marks = recorded ?? marks
        }
        self.init(roots, marks: marks ?? .own)
    }

    /// The same of directories of the host, bottom first.
    public init(of layers: [String]) throws(LayerError) {
        var roots: [LayerDirectory] = []
        for path in layers.reversed() {
            roots.append(
                LayerDirectory(try LayerDirectory.open(layerAt: path), layer: roots.count))
        }
        try self.init(looking: roots)
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
