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
                "\(what): an existing mount namespace is not changed, since other processes use it;"
                    + " remove this, or the path of the namespace for a new one",
                at: offset ?? place)
        }
        if spec.root?.path?.value != "/" {
            refuse("the root has to be \"/\"", spec.root?.path?.offset ?? spec.root?.offset)
        }
        if request.overlays.value {
            var offset: Int?
            if case .config(let found) = request.overlays.origin { offset = found }
            refuse("the root cannot be an overlay", offset)
        }
        if spec.root?.readonly?.value == true {
            refuse("the root cannot be made read-only", spec.root?.readonly?.offset)
        }
        if let mount = spec.mounts.first {
            refuse("the container can have no mounts", mount.destination.offset)
        } else if request.invocation.container?.notifySocket != nil {
            refuse("NOTIFY_SOCKET cannot be forwarded", nil)
        }
        if let device = linux.devices.first {
            refuse("the container can have no devices", device.path.offset)
        }
        if let path = linux.maskedPaths.first ?? linux.readonlyPaths.first {
            refuse("no path can be masked or made read-only", path.offset)
        }
        if let propagation = linux.rootfsPropagation {
            refuse("the propagation cannot be set", propagation.offset)
        }
        if let hook = spec.hooks?.createContainer.first {
            refuse("a createContainer hook cannot run before the change of the root", hook.offset)
        }
        let hasNewClocks = linux.namespaces.contains {
            $0.type.value == .time && $0.path?.value.isEmpty ?? true
        }
        if request.userNamespace.namespace != nil || hasNewClocks {
            refuse("a user namespace or a new time namespace cannot be combined with it", nil)
        }
    }
}
