internal import LinuxSystem
internal import SystemPackage

/// The container's tree becomes the root.
struct PivotRoot: ContainerStep {
    static let manual = StepManual(
        "pivot_root",
        what: """
            Makes the container's tree the root of the mount namespace and unmounts the host's \
            tree from it: no path leads there any more. The old root is made a slave before it is \
            unmounted; in a tree that is shared the host's mounts would go with it. Nothing may \
            lie on the new root afterwards.
            """,
        why: """
            Before the mounts, unlike in other runtimes: once the host's tree is gone, no \
            symbolic link, no race and no ".." of the image leads to it. In a user namespace, and \
            with hooks that see both trees, after the mounts: such a namespace binds the host's \
            devices, and mounts proc and sysfs only beside the host's.
            """,
        calls: "fchdir, pivot_root, mount_setattr, umount2, chdir, statx")

    /// How many mounts lie on the host's root besides the container's.
    var covers = 0

    let summary = "change the root (pivot_root) and detach the host's tree"
    var needs: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        commands.note("In the last turn: mount(8) and setpriv(1) are programs of the host.")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let root = try context.root.given(.root)
        try attempt(
            "fchdir", "to the new root", try CurrentProcess.changeDirectory(root.directory.borrowed)
        )
        try MountTree.pivotToWorkingDirectory(covers: covers)
    }
}
