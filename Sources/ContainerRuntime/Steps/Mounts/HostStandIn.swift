internal import LinuxSystem
internal import SystemPackage

/// The host's mount, for a file system that a user namespace may not mount: sysfs without
/// its own network namespace, the message queues without its own ipc namespace, proc without its own
/// pid namespace.
struct HostStandIn {
    private let type: String
    private let place: Place
    private let mount: Configuration.Mount

    /// Where the host has it, what it is there, and the namespace that it shows.
    private struct Place {
        let source: String
        let magic: FileSystemMagic
        let namespace: NamespaceSet
    }

    private static let places: [String: Place] = [
        "sysfs": Place(source: "/sys", magic: .sysfs, namespace: .network),
        "mqueue": Place(source: "/dev/mqueue", magic: .messageQueues, namespace: .ipc),
        "proc": Place(source: "/proc", magic: .procfs, namespace: .pid),
    ]
    private static let remedy =
        "the host has not mounted it, and a user namespace may only mount it with the namespace that"
        + " it shows; give the container its own"

    /// Nil for what the host has nothing of.
    static func namespace(of type: String) -> NamespaceSet? { places[type]?.namespace }

    /// Nil for what the host has nothing of.
    init?(type: String, mount: Configuration.Mount) {
        guard let place = HostStandIn.places[type] else { return nil }
        self.type = type
        self.place = place
        self.mount = mount
    }

    /// Read-only where it is sysfs, with all that is mounted below it: that holds the host's
    /// control groups (CVE-2023-25809).
    func attach(_ target: FileDescriptor, _ context: ContainerContext) throws(Failure) {
        let source = place.source
        let tree = try attempt(
            "open_tree", on: source,
            advice: { $0 == .noSuchFileOrDirectory ? HostStandIn.remedy : nil },
            try DetachedMount.clone(source, recursive: true))
        // A directory of that name where the host has mounted nothing would be another file system's.
        let found = try attempt("fstatfs", on: source, try FileSystemMagic.of(tree.borrowed))
        if found != place.magic {
            throw Failure("\(source.inQuotes) of the host is no \(type); \(HostStandIn.remedy)")
        }
        var attributes = mount.set.union(mount.setRecursively)
        if source == "/sys" { attributes.formUnion(.readOnly) }
        // Times are the host's mount's, and a user namespace may not change how they are kept.
        attributes.subtract(.accessTimeMask)
        let wanted = attributes
        try attempt(
            "mount_setattr", on: mount.destination,
            try tree.setAttributes(set: wanted, recursive: true))
        try attempt("move_mount", on: mount.destination, try tree.attach(to: target))
        try context.hold(mount.destination, tree.borrowed, .kernel)
    }
}
