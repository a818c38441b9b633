internal import JSON
internal import Layers
internal import LinuxSystem
internal import OCISpec

/// Where the root file system comes from.
extension ConfigurationBuilder {
    func root(_ spec: Spec) -> Configuration.Root? {
        let readOnly = spec.root?.readonly.map(setting) ?? Setting(false, .standard)
        let joinsMounts = spec.linux?.namespaces.contains {
            $0.type.value == .mount && $0.path?.value.isEmpty == false
        }
        var overlays = Setting(
            invocation.overlaysByDefault && !(joinsMounts ?? false), .standard)
        var object: Spec.VFS.Overlay?
        switch spec.vfs?.overlay {
        case .enabled(let enabled): overlays = setting(enabled)
        case .object(let found):
            object = found
            overlays = Setting(true, .config(found.offset))
        case nil: break
        }
        if invocation.upper != nil { overlays = Setting(true, .argument("--upper")) }
        if !invocation.layers.isEmpty { overlays = Setting(true, .argument("--layer")) }
        if invocation.comparesUpper { overlays = Setting(true, .argument("--diff")) }
        guard overlays.value else {
            guard let path = spec.root?.path else { return nil }
            return Configuration.Root(
                source: .directory(self.path(path)), isReadOnly: readOnly)
        }
        let bottom = object?.layers ?? [spec.root?.path].compactMap { $0 }
        if bottom.isEmpty { return nil }
        var layers: [Setting<String>] = []
        for name in bottom {
            // root.path is a path and nothing else.
            layers += object?.layers == nil ? [path(name)] : directories(name)
        }
        layers += invocation.layers.map { Setting($0, .argument("--layer")) }
        var overlay = Configuration.Root.Overlay(
            layers: layers, upper: upper(object), options: (object?.options ?? []).map(setting),
            isCompared: invocation.comparesUpper, origin: overlays.origin)
        addSnapshots(to: &overlay)
        if overlay.isReadLater { refuseIndex(object?.options ?? []) }
        placeThrowaway(&overlay)
        return Configuration.Root(source: .overlay(overlay), isReadOnly: readOnly)
    }

    private func path(_ name: Located<String>) -> Setting<String> {
        Setting(PathText.absolute(name.value, from: bundle), .config(name.offset))
    }

    private func directories(_ name: Located<String>) -> [Setting<String>] {
        do throws(LayerNames.Failure) {
            return try LayerNames(bundle: bundle).directories(name.value).map {
                Setting($0, .config(name.offset))
            }
        } catch {
            diagnostics.error(error.sentence, at: name.offset)
            return []
        }
    }

    private func upper(_ overlay: Spec.VFS.Overlay?) -> Configuration.Root.Upper {
        if let upper = invocation.upper { return .kept(Setting(upper, .argument("--upper"))) }
        if let upper = overlay?.upper {
            return .kept(path(upper))
        }
        return .throwaway(
            size: overlay?.size.map(setting), inodes: overlay?.inodes.map(setting))
    }

    /// With an index overlayfs keeps a changed file that has several names apart from the upper, under
    /// one of them: `diff`, `commit` and snapshots would miss the others.
    private func refuseIndex(_ options: [Located<String>]) {
        for option in options where ["index=on", "nfs_export=on"].contains(option.value) {
            diagnostics.error(
                "\"\(option.value)\" keeps files with several names where diff, commit and snapshots"
                    + " do not see them; remove it, or throw away what is written",
                at: option.offset)
        }
    }

    /// The snapshots of an upper that is kept are layers below it, in their order.
    private func addSnapshots(to overlay: inout Configuration.Root.Overlay) {
        guard case .kept(let directory) = overlay.upper else {
            if invocation.snapshot != nil {
                complain("--snapshot needs --upper DIR, or vfs.overlay.upper")
            }
            return
        }
        let snapshots: SnapshotPlan
        do throws(LayerError) {
            snapshots = try SnapshotPlan(
                directory.value, taking: invocation.snapshot, over: overlay.layers.count)
        } catch {
            return complain(error.sentence, directory.origin)
        }
        overlay.snapshots = snapshots
        overlay.layers += snapshots.layers(in: directory.value).map {
            Setting($0, directory.origin)
        }
    }

    /// - Parameter origin: The document as a whole where it is not the config's.
    private func complain(_ sentence: String, _ origin: Origin = .standard) {
        var offset = diagnostics.document.root.offset
        if case .config(let place) = origin { offset = place }
        diagnostics.error(sentence, at: offset)
    }
}
