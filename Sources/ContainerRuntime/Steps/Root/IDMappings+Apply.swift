internal import LinuxSystem
internal import SystemPackage

extension IDMappings {
    /// - Parameter name: What it is, for messages.
    func apply(
        to tree: borrowing DetachedMount, recursive: Bool, named name: String
    ) throws(Failure) {
        let namespace: HeldDescriptor
        namespace = HeldDescriptor(try makeNamespace())
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
