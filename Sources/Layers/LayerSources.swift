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
            do throws(Errno) {
                let opened = try HostPath.open(path, [.readOnly, .directory])
                roots.append(LayerDirectory(opened, layer: roots.count))
            } catch {
                throw LayerError(OverlayError.opening("layer", path, error).sentence)
            }
        }
        self.init(roots, marks: marks, isView: isView)
    }
}
