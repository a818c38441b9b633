internal import LinuxSystem
internal import SystemPackage

/// The root of a container with a user namespace.
struct AttachRoot: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "attach the root",
            what: """
                Attaches the tree that the runtime process has opened or mounted on top of the \
                host's root, where the container's root can reach it whatever it may not enter.
                """,
            why: """
                Only with a user namespace, before the pivot: what becomes the root has to be a \
                mount of this namespace.
                """,
            calls: "openat, move_mount")
    }

    let summary = "attach the root"
    var needs: Provisions { [.rootTree] }
    var gives: Provisions { [.root] }

    func apply(_ context: ContainerContext) throws(StepError) {
        let root = try context.handover.rootTree.given(.rootTree)
        context.root = try stepping("move_mount", "the root") { () throws(Errno) in
            let place = try HostPath.open("/", [.path, .directory])
            try root.tree.attach(to: place.borrowed)
            return HeldRoot(RootDirectory(try OwnedDescriptor.duplicate(root.tree.borrowed)))
        }
    }
}
