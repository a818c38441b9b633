internal import LinuxSystem
internal import SystemPackage

/// User namespaces without processes, each made once: mounts are id-mapped by them.
final class MappingNamespaces {
    private var made: [IDMappings: HeldDescriptor] = [:]

    func namespace(of mappings: IDMappings) throws(Failure) -> HeldDescriptor {
        if let found = made[mappings] { return found }
        let namespace = HeldDescriptor(try mappings.makeNamespace())
        made[mappings] = namespace
        return namespace
    }
}

extension IDMappings {
    /// - Parameter name: What it is, for messages.
    func apply(
        to tree: borrowing DetachedMount, recursive: Bool, named name: String,
        by namespaces: MappingNamespaces
    ) throws(Failure) {
        let namespace = try namespaces.namespace(of: self)
        try attempt(
            "mount_setattr", "\(name) MOUNT_ATTR_IDMAP",
            advice: {
                switch $0 {
                case .invalidArgument:
                    "its file system, or one mounted below it, does not know id-mapped mounts, or"
                        + " its ids are mapped already"
                case .notPermitted: "only the owner of its file system may map ids"
                default: nil
                }
            }, try tree.mapIDs(by: namespace.borrowed, recursive: recursive))
    }
}
