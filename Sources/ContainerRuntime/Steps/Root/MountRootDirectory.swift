internal import LinuxSystem
internal import SystemPackage

/// `root.path` itself, without an overlay.
struct MountRootDirectory: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "bind the root",
            what: """
                Mounts a clone of the mount behind root.path over that directory, since only a \
                mount can become the root. No overlay: the container writes into root.path \
                itself.
                """,
            why: "After mounts are separated from the host's, before the pivot.",
            calls: "openat, open_tree, move_mount")
    }

    let path: String

    var summary: String { "bind \(path) as the root" }
    var gives: Provisions { [.root] }

    func apply(_ context: ContainerContext) throws(StepError) {
        let target = try Mountpoint.open(path)
        let tree = try stepping("open_tree", path.inQuotes) { () throws(Errno) in
            try DetachedMount.clone(target.borrowed, recursive: true)
        }
        try stepping("move_mount", path.inQuotes) { () throws(Errno) in
            try tree.attach(to: target.borrowed)
        }
        context.root = HeldRoot(RootDirectory(tree.release()))
    }
}
