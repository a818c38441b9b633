internal import LinuxSystem
public import SystemPackage

/// A layer that lies inside the lowest one: a directory of the host that is to be added to `/`.
///
/// The kernel takes no layer whose directory has another layer above it on its file system
/// (`ovl_check_layer`, ELOOP), through whatever mount it is reached. Below an overlay of its own the
/// lowest layer is on another file system. That overlay shows what the layer shows as the lowest one of
/// a stack; of another layer it would keep what hides files of those below.
extension OverlayMount {
    /// - Parameter layers: Bottom first.
    public static func hasLayerInLowest(_ layers: [OverlayDirectory]) -> Bool {
        if layers.count < 2 { return false }
        let lowest = OverlayFacts.Place(layers[0])
        return layers.dropFirst().contains {
            OverlayFacts.Place($0).isInsideOnOneFileSystem(lowest)
        }
    }

    /// The lowest layer, as it is seen through an overlay of its own.
    ///
    /// - Parameters:
    ///   - options: Of the whole overlay.
    ///   - target: As for `mount`; nil attaches nothing.
    public static func alone(
        _ layer: OverlayDirectory, options: [String], on target: FileDescriptor?
    ) throws(OverlayError) -> OverlayDirectory {
        let options = options.filter { $0 == "userxattr" || $0.hasPrefix("context=") }
        let (empty, isOverlay) = try prepare(layer, on: target)
        if isOverlay {
            throw OverlayError(
                "the layer \"\(layer.path)\" is on an overlay and has another layer inside: that"
                    + " would be three overlays on one another, and the kernel stacks two; copy the"
                    + " inner layer to another file system", .invalidArgument)
        }
        let nested = OverlayMount(lowers: [empty, layer], upper: nil, work: nil, options: options)
        if let target {
            return OverlayDirectory(path: layer.path, descriptor: try nested.mount(on: target))
        }
        return OverlayDirectory(path: layer.path, descriptor: try nested.create().release())
    }

    private static func prepare(
        _ layer: OverlayDirectory, on target: FileDescriptor?
    ) throws(OverlayError) -> (OverlayDirectory, isOverlay: Bool) {
        do throws(Errno) {
            return (try empty(on: target), try FileSystemMagic.of(layer.borrowed) == .overlay)
        } catch {
            throw OverlayError("mount tmpfs: \(error.words)", error)
        }
    }

    /// A directory with nothing in it: an overlay without an upper has two layers.
    private static func empty(on target: FileDescriptor?) throws(Errno) -> OverlayDirectory {
        let tmpfs = try FileSystemContext("tmpfs")
        try tmpfs.set("nr_inodes", "2")
        try tmpfs.set("mode", "755")
        try tmpfs.create()
        let mount = try tmpfs.mount()
        if let target { try mount.attach(to: target) }
        return OverlayDirectory(path: "nothing", descriptor: mount.release())
    }
}
