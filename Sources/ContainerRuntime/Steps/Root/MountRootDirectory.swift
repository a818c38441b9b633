internal import LinuxSystem
internal import SystemPackage

/// `root.path` itself, without an overlay.
struct MountRootDirectory: ContainerStep {
    static let manual = StepManual(
        "bind the root",
        what: """
            Mounts a clone of the mount behind root.path over that directory, since only a mount \
            can become the root. No overlay: the container writes into root.path itself.
            """,
        why: "After mounts are separated from the host's, before the pivot.",
        calls: "openat, open_tree, move_mount")

    let path: String

    var summary: String { "bind \(path) as the root" }
    var gives: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        commands.run("mount", "--bind", "--", .value(path), "\"$root\"")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let target = try Mountpoint.open(path)
        let tree = try attempt(
            "open_tree", on: path, try DetachedMount.clone(target.borrowed, recursive: true))
        try attempt("move_mount", on: path, try tree.attach(to: target.borrowed))
        context.root = HeldRoot(RootDirectory(tree.release()))
    }
}
