internal import LinuxSystem
internal import SystemPackage

/// What the host has mounted, for a file system that a user namespace may not mount: sysfs without
/// its own network namespace, the message queues without its own ipc namespace, proc without its own
/// pid namespace.
struct HostStandIn {
    private let source: String
    private let mount: Configuration.Mount

    /// Where the host has it, and the namespace that it shows.
    private static let places: [String: (source: String, namespace: NamespaceSet)] = [
        "sysfs": ("/sys", .network), "mqueue": ("/dev/mqueue", .ipc), "proc": ("/proc", .pid),
    ]

    /// Nil for what the host has nothing of.
    static func namespace(of type: String) -> NamespaceSet? { places[type]?.namespace }

    /// Nil for what the host has nothing of.
    init?(type: String, mount: Configuration.Mount) {
        guard let place = HostStandIn.places[type] else { return nil }
        source = place.source
        self.mount = mount
    }

    /// Read-only where it is sysfs, with all that is mounted below it: that holds the host's
    /// control groups (CVE-2023-25809).
    func attach(_ place: FileDescriptor, _ context: ContainerContext) throws(Failure) {
        let tree = try attempt(
            "open_tree", on: source,
            advice: {
                $0 == .noSuchFileOrDirectory
                    ? "the host has not mounted it, and a user namespace may only with the namespace"
                        + " that it shows; give the container its own" : nil
            }, try DetachedMount.clone(source, recursive: true))
        var attributes = mount.set.union(mount.setRecursively)
        if source == "/sys" { attributes.formUnion(.readOnly) }
        // Times are the host's mount's, and a user namespace may not change how they are kept.
        attributes.subtract(.accessTimeMask)
        let wanted = attributes
        try attempt(
            "mount_setattr", on: mount.destination,
            try tree.setAttributes(set: wanted, recursive: true))
        try attempt("move_mount", on: mount.destination, try tree.attach(to: place))
        try context.hold(mount.destination, tree.borrowed, .kernel)
    }
}
