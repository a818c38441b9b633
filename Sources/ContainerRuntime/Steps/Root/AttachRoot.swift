internal import LinuxSystem
internal import SystemPackage

/// What the runtime has made or opened becomes the root, in the container's mount namespace. It goes
/// on top of the host's, where the container's root can reach it whatever it may not enter.
struct AttachRoot: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "attach the root",
            what: """
                Attaches the tree that the runtime process has opened or mounted on top of the host's \
                root, where the container's root can reach it whatever it may not enter.
                """,
            why: """
                Only with a user namespace, before the pivot: what becomes the root has to be a mount \
                of this namespace.
                """,
            calls: "openat, move_mount")
    }

    let summary = "attach the root"

    func apply(_ context: StartContext) throws(StepError) {
        guard let root = context.rootTree else {
            throw StepError("the plan has not made a root at this point")
        }
        context.root = try stepping("move_mount", "the root") { () throws(Errno) in
            let place = try HostPath.open("/", [.path, .directory])
            try root.tree.attach(to: place.borrowed)
            return HeldRoot(RootDirectory(try OwnedDescriptor.duplicate(root.tree.borrowed)))
        }
    }
}
