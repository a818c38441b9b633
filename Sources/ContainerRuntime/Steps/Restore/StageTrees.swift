internal import LinuxSystem
internal import SystemPackage

/// The root and the sources of bind mounts, where criu finds them.
struct StageTrees: ContainerStep {
    static let manual = StepManual(
        "stage the trees",
        what: """
            Attaches the container's root, the sources of its bind mounts and the control groups \
            that it is shown in the stage, each under a name of its own.
            """,
        why: """
            When all of them are mounted. criu attaches them in the container's mount namespace, \
            with the attributes that the images have.
            """,
        calls: "mkdirat, openat, open_tree, move_mount")

    /// How many bind mounts and copy-on-write trees there are.
    let sources: Int

    let summary = "attach the root and the sources of bind mounts for criu"
    var needs: Provisions { sources > 0 ? [.root, .stage, .bindSources] : [.root, .stage] }

    static let root = "root"
    static let groups = "groups"
    static let readiness = "notify"

    /// Of a source of a bind mount, counted from 0.
    static func name(_ position: Int) -> String { "source-\(position)" }

    func apply(_ context: ContainerContext) throws(Failure) {
        let stage = try context.stage.given(.stage).borrowed
        let root = try context.root.given(.root)
        let tree = try attempt(
            "open_tree", "the root",
            try DetachedMount.clone(root.directory.borrowed, recursive: false))
        try attach(tree, StageTrees.root, isDirectory: true, stage)
        for position in 0..<sources {
            let source = try context.handover.takeSource(position)
            try attach(
                source.tree, StageTrees.name(position), isDirectory: source.isDirectory, stage)
            context.stagedSources.append(source)
        }
        // Of a container that was created with NOTIFY_SOCKET: it is long ready.
        try attempt("mkdir", try stage.makeDirectory(StageTrees.readiness, mode: 0o755))
        guard let trees = context.controlGroupTrees, !trees.isEmpty else { return }
        try attempt("mkdir", try stage.makeDirectory(StageTrees.groups, mode: 0o700))
        let folder = try attempt("openat", try stage.open(StageTrees.groups, [.path, .directory]))
        for (name, tree) in trees {
            try attach(
                tree.tree, name.isEmpty ? "unified" : name, isDirectory: true, folder.borrowed)
        }
    }

    private func attach(
        _ tree: borrowing DetachedMount, _ name: String, isDirectory: Bool,
        _ stage: FileDescriptor
    ) throws(Failure) {
        func attach() throws(Errno) {
            if isDirectory {
                try stage.makeDirectory(name, mode: 0o700)
            } else {
                _ = try stage.open(name, [.create, .exclusive, .writeOnly], mode: 0o600)
            }
            let place = try stage.open(name, .path)
            try tree.attach(to: place.borrowed)
        }
        try attempt("move_mount", on: name, try attach())
    }
}
