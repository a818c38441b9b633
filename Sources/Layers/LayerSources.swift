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
    ) throws(Failure) {
        var roots = uppers
        for path in layers.reversed() {
            let opened = try LayerDirectory.open(layerAt: path)
            let recorded = try attempt(
                "getxattr", on: path, try KeptUpper.marks(of: opened.borrowed))
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
    public init(looking roots: [LayerDirectory]) throws(Failure) {
        var marks: OverlayMarks?
        for root in roots {
            let recorded = try attempt(
                "getxattr", on: .root, try KeptUpper.marks(of: root.borrowed).map(OverlayMarks.init)
            )
            if let recorded, let marks, marks != recorded {
                throw Failure(
                    "some layers were made by root and some by an ordinary user, and no overlay"
                        + " reads the whiteouts of both; unpack the image into another directory"
                )
            }
            marks = recorded ?? marks
        }
        self.init(roots, marks: marks ?? .own)
    }

    /// The same of directories of the host, bottom first.
    public init(of layers: [String]) throws(Failure) {
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
    static func open(layerAt path: String) throws(Failure) -> OwnedDescriptor {
        let found: OwnedDescriptor
        do throws(UnfollowedPath.Failure) {
            found = try UnfollowedPath.open(path)
        } catch {
            throw Failure(OverlayError.opening("layer", path, error).sentence)
        }
        do throws(Errno) {
            return try found.borrowed.open(".", [.readOnly, .directory])
        } catch {
            throw Failure(OverlayError.opening("layer", path, error).sentence)
        }
    }
}
