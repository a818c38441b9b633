internal import LinuxSystem
internal import SystemPackage

/// `root.path` of a container with a user namespace.
struct OpenRootDirectory: RuntimeStep {
    static let manual = StepManual(
        "open the root",
        what: """
            Clones the mount behind root.path. The clone is attached nowhere until the init \
            process attaches it.
            """,
        why: """
            Only with a user namespace, and by root: the container's root may not be allowed to \
            enter the directories that lead there.
            """,
        calls: "openat, open_tree, mount_setattr")

    let path: String

    var summary: String { "open \(path) as the root" }
    var gives: Provisions { [.rootTree] }

    func shell(_ commands: inout ShellCommands) {
        commands.run("mount", "--bind", "--", .value(path), "\"$root\"")
    }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let directory = try Mountpoint.open(path)
        let tree = try attempt(
            "open_tree", on: path, try DetachedMount.clone(directory.borrowed, recursive: true))
        // A clone of a mount that is shared is a peer of the host's: what is mounted in it would be
        // mounted there, and pivot_root refuses it.
        try attempt("mount_setattr", on: path, try tree.setPropagation(.slave, recursive: true))
        context.handover.rootTree = BindSource(tree, isDirectory: true)
    }
}
