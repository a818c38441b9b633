internal import JSON
internal import OCISpec

/// An existing mount namespace is used as it is, with its root: mounts and a pivot_root would affect
/// all of its processes.
extension Checks {
    func joinedMounts() {
        guard request.joinsMounts, request.invocation.joining == nil, let linux = spec.linux else {
            return
        }
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
        if request.overlays.value {
            var offset: Int?
            if case .config(let found) = request.overlays.origin { offset = found }
            refuse("an overlay cannot be its root", offset)
        }
        if spec.root?.readonly?.value == true {
            refuse("its root cannot be made read-only", spec.root?.readonly?.offset)
        }
        if let mount = spec.mounts.first {
            refuse("nothing can be mounted in it", mount.destination.offset)
        } else if request.invocation.container?.notifySocket != nil {
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
        let hasNewClocks = linux.namespaces.contains {
            $0.type.value == .time && $0.path?.value.isEmpty ?? true
        }
        if request.userNamespace.namespace != nil || hasNewClocks {
            refuse("it cannot be joined with a user namespace or a new time namespace", nil)
        }
    }
}
