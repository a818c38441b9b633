internal import LinuxSystem
internal import SystemPackage

/// Where the first name of a file with several names is.
struct LinkPlaces {
    enum Place {
        /// Under this path in the store.
        case staged(LayerPath)
        /// In the tree, unchanged.
        case inTree(UInt64)
    }

    private var places: [LayerPath: Place] = [:]

    subscript(path: LayerPath) -> Place? {
        get { places[path] }
        set { places[path] = newValue }
    }
}
