internal import Layers
internal import LinuxSystem
internal import OCISpec

/// The root file system.
extension ConfigurationBuilder {
    func root() -> Configuration.Root? {
        let spec = request.spec
        let readOnly = spec.root?.readonly.map(request.setting) ?? Setting(false, .standard)
        guard request.overlays.value else {
            guard let path = spec.root?.path else { return nil }
            return Configuration.Root(
                source: .directory(request.path(path)), isReadOnly: readOnly)
        }
        return Configuration.Root(source: .overlay(overlay()), isReadOnly: readOnly)
    }

    private func overlay() -> Configuration.Root.Overlay {
        let object = request.overlay
        var layers: [Setting<String>] = []
        if let names = object?.layers {
            for (name, found) in zip(names, host.layers) {
                guard case .success(let directories) = found else { continue }
                layers += directories.map { Setting($0, .config(name.offset)) }
            }
        } else if let path = request.spec.root?.path {
            layers.append(request.path(path))
        }
        layers += invocation.layers.map { Setting($0, .argument("--layer")) }
        var overlay = Configuration.Root.Overlay(
            layers: layers,
            upper: .throwaway(
                size: decision.upperSize ?? object?.size.map(request.setting),
                inodes: object?.inodes.map(request.setting)
            ),
            options: (object?.options ?? []).map(request.setting),
            isCompared: invocation.comparesUpper, origin: request.overlays.origin)
        if case .throwaway(let size?, _) = overlay.upper, !size.value.isEmpty {
            overlay.isMeasured = invocation.measures
        }
        if let kept = request.keptUpper {
            overlay.upper = .kept(kept)
            // The snapshots of a kept upper are layers below it, in their order.
            if case .success(let snapshots) = host.snapshots {
                overlay.snapshots = snapshots
                overlay.layers += snapshots.layers(in: kept.value).map { Setting($0, kept.origin) }
            }
        } else if host.discardedUpper == .scratch, let scratch = invocation.scratch {
            overlay.upper = .kept(Setting("\(scratch)/\(CurrentProcess.pid)", .rootless))
            overlay.isDiscarded = true
        }
        return overlay
    }
}
