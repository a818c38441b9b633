internal import LinuxSystem
internal import SystemPackage

/// The root of a container with a user namespace.
struct AttachRoot: ContainerStep {
    static let manual = StepManual(
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

    let summary = "attach the root"
    var needs: Provisions { [.rootTree] }
    var gives: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        commands.note("A mount of the user namespace's own, which pivot_root(2) takes.")
        commands.run("mount", "--bind", "\"$root\"", "\"$root\"")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let root = try context.handover.rootTree.given(.rootTree)
        let place = try attempt("open", on: "/", try HostPath.open("/", [.path, .directory]))
        try attempt("move_mount", "the root", try root.tree.attach(to: place.borrowed))
        context.root = HeldRoot(
            RootDirectory(
                try attempt("fcntl", "the root", try OwnedDescriptor.duplicate(root.tree.borrowed))
            ))
    }
}
