internal import LinuxSystem
internal import SystemPackage

/// `linux.readonlyPaths`
struct ProtectPath: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "make a path read-only",
            what: "Mounts the path on itself, read-only, with all mounts below it.",
            why: "After the mounts, which would cover it.",
            calls: "openat2, open_tree, mount_setattr, move_mount")
    }

    let path: String

    var summary: String { "make \(path) read-only" }
    var needs: Provisions { [.root] }

    func apply(_ context: ContainerContext) throws(StepError) {
        guard let (target, _) = try PathTarget.open(path, context) else { return }
        let tree = try stepping("mount", path.inQuotes) { () throws(Errno) in
            let tree = try DetachedMount.clone(target.borrowed, recursive: true)
            try tree.setAttributes(set: .readOnly, recursive: true)
            try tree.attach(to: target.borrowed)
            return tree
        }
        try context.holdInstead(path, tree.borrowed)
    }
}
