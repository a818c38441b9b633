internal import LinuxSystem
internal import OCISpec

/// A mount namespace that exists is taken as it is, root and all: what is mounted in it, and a
/// pivot_root, would hold for everybody who is in it.
extension ConfigurationBuilder {
    func checkJoinedMounts(_ spec: Spec, _ configuration: Configuration) {
        guard configuration.joinsMounts, let linux = spec.linux else { return }
        let namespace = linux.namespaces.first { $0.type.value == .mount }
        let place = namespace?.path?.offset ?? linux.offset
        func refuse(_ what: String, _ offset: Int?) {
            diagnostics.error(
                "\(what): a mount namespace that is joined stays as it is, since others are in it;"
                    + " leave this out, or the namespace's path for a new one", at: offset ?? place)
        }
        if spec.root?.path?.value != "/" {
            refuse("the root has to be \"/\"", spec.root?.path?.offset ?? spec.root?.offset)
        }
        if case .overlay(let overlay) = configuration.root.source {
            var offset: Int?
            if case .config(let found) = overlay.origin { offset = found }
            refuse("an overlay cannot be its root", offset)
        }
        if spec.root?.readonly?.value == true {
            refuse("its root cannot be made read-only", spec.root?.readonly?.offset)
        }
        if let mount = spec.mounts.first {
            refuse("nothing can be mounted in it", mount.destination.offset)
        } else if configuration.container?.notifySocket != nil {
            refuse("NOTIFY_SOCKET cannot be passed on into it", nil)
        }
        if let device = linux.devices.first {
            refuse("no device can be made in it", device.path.offset)
        }
        if let path = linux.maskedPaths.first ?? linux.readonlyPaths.first {
            refuse("no path can be covered in it", path.offset)
        }
        if let propagation = linux.rootfsPropagation {
            refuse("its propagation cannot be set", propagation.offset)
        }
        if let hook = spec.hooks?.createContainer.first {
            refuse("no createContainer hook can see it before", hook.offset)
        }
        if configuration.userNamespace != nil || configuration.namespaces.new.value.contains(.time)
        {
            refuse("it cannot be joined with a user namespace or a new time namespace", nil)
        }
    }
}
