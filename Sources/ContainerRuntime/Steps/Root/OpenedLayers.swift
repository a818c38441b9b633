internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// The layers and the directories of uppers of a container, all opened before the first overlay is
/// mounted: that may lie on the path to another one.
final class OpenedLayers {
    private var opened: [String: HeldDescriptor] = [:]

    /// - Parameter found: By their paths, as they were locked.
    init(_ found: [String: FoundDirectory]) throws(Failure) {
        for (path, directory) in found.sorted(by: { $0.key < $1.key }) {
            opened[path] = HeldDescriptor(try directory.open(named: path))
        }
    }

    /// A handle on one of them.
    func open(_ path: String) throws(Failure) -> OverlayDirectory {
        let directory = try opened[path].given(.layers)
        return OverlayDirectory(
            path: path,
            descriptor: try attempt(
                "dup", on: path, try OwnedDescriptor.duplicate(directory.borrowed)))
    }
}

extension ContainerContext {
    /// Opened once, from what the runtime process has locked.
    func openLayers() throws(Failure) -> OpenedLayers {
        if let openedLayers { return openedLayers }
        let opened = try OpenedLayers(handover.layers ?? [:])
        openedLayers = opened
        return opened
    }
}
