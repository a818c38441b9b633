internal import Cgroups
internal import LinuxSystem
internal import OCISpec

/// A config.json and a command line together: what a start is asked to do, and what follows from
/// that alone. Reads nothing of the host.
struct Request {
    let spec: Spec
    let invocation: Invocation
    /// The directory of config.json, absolute.
    let bundle: String
    let mounts: [MountReading]
    /// The limits that the container gets.
    let resources: Resources
    let userNamespace: UserNamespaceDecision
    /// What the run is held to.
    let limits: RunLimits

    init(_ spec: Spec, _ invocation: Invocation, bundle: String) {
        self.spec = spec
        self.invocation = invocation
        self.bundle = bundle
        mounts = spec.mounts.map(MountReading.init)
        var resources = spec.linux?.resources ?? Resources()
        // Without root privileges the container makes no devices, and no filter of them is allowed.
        if invocation.privilege != .full { resources.devices = [] }
        self.resources = resources
        userNamespace = UserNamespaceDecision(spec, invocation)
        limits = Request.limits(spec, invocation)
    }

    func has(_ kind: Spec.Linux.Namespace.Kind) -> Bool {
        spec.linux?.namespaces.contains { $0.type.value == kind } ?? false
    }

    /// Whether the mount namespace is an existing one.
    var joinsMounts: Bool {
        guard let linux = spec.linux else { return false }
        guard let own = linux.namespaces.first(where: { $0.type.value == .mount }) else {
            return sharesMounts
        }
        return own.path?.value.isEmpty == false
    }

    /// Whether it is the caller's, in which nothing is changed: with its root and no mounts.
    var sharesMounts: Bool {
        guard let linux = spec.linux else { return false }
        return !linux.namespaces.contains { $0.type.value == .mount }
            && !invocation.overlaysByDefault && spec.root?.path?.value == "/" && spec.mounts.isEmpty
    }

    /// Whether ids and limits are adapted to a caller without root privileges.
    var adaptsToCaller: Bool { spec.vfs?.rootless != nil && invocation.privilege != .full }

    /// A setting of config.json.
    func setting<Value: Sendable>(_ located: Located<Value>) -> Setting<Value> {
        Setting(located.value, .config(located.offset))
    }

    /// A path of config.json, absolute.
    func path(_ name: Located<String>) -> Setting<String> {
        Setting(PathText.absolute(name.value, from: bundle), .config(name.offset))
    }

    // MARK: The control group

    /// Whether the container gets a control group of its own.
    var makesControlGroup: Bool {
        switch invocation.controlGroups {
        case .disabled: false
        case .whenNeeded: resources.needControlGroup
        case .always: true
        }
    }

    /// nil where the config names none.
    var controlGroupPath: Located<String>? {
        spec.linux?.cgroupsPath.flatMap { $0.value.isEmpty ? nil : $0 }
    }

    var wantsSystemdUnit: Bool { invocation.asksSystemd && makesControlGroup }

    // MARK: The root file system

    /// Whether the root is an overlay, and the origin of that decision.
    var overlays: Setting<Bool> {
        if let option = invocation.readsUpperFor { return Setting(true, .argument(option)) }
        if !invocation.layers.isEmpty { return Setting(true, .argument("--layer")) }
        if invocation.upper != nil { return Setting(true, .argument("--upper")) }
        return switch spec.vfs?.overlay {
        case .enabled(let enabled): setting(enabled)
        case .object(let found): Setting(true, .config(found.offset))
        case nil: Setting(invocation.overlaysByDefault && !joinsMounts, .standard)
        }
    }

    var overlay: Spec.VFS.Overlay? {
        if case .object(let found) = spec.vfs?.overlay { found } else { nil }
    }

    /// The directory of a kept upper; nil where the upper is discarded after the run.
    var keptUpper: Setting<String>? {
        if let upper = invocation.upper { return Setting(upper, .argument("--upper")) }
        return (overlay?.upper).map(path)
    }

    /// Whether the root is an upper without layers: a tmpfs.
    var isBare: Bool {
        overlays.value && overlay?.layers?.isEmpty == true && invocation.layers.isEmpty
    }

    /// Whether a layer is the root of the host.
    var showsHostRoot: Bool {
        guard overlays.value else { return false }
        let names = overlay?.layers ?? spec.root?.path.map { [$0] } ?? []
        return names.contains { $0.value == "/" } || invocation.layers.contains("/")
    }

    /// The destination of a copy-on-write tree in the container.
    func destination(_ tree: Spec.VFS.Tree) -> String {
        PathText.cleaned(tree.destination?.value ?? path(tree.path).value)
    }

    /// Whether the upper is read after the run.
    var readsUpperLater: Bool { keptUpper != nil || invocation.comparesUpper }
}
