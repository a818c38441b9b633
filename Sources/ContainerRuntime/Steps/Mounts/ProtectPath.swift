internal import LinuxSystem
internal import SystemPackage

/// `linux.readonlyPaths`
struct ProtectPath: ContainerStep {
    static let manual = StepManual(
        "make a path read-only",
        what: "Mounts the path on itself, read-only, with all mounts below it.",
        why: "After the mounts, which would cover it.",
        calls: "openat2, open_tree, mount_setattr, move_mount")

    let path: String

    var summary: String { "make \(path) read-only" }
    var needs: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        commands.run("read_only", .path(path))
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        guard let (target, _) = try PathTarget.open(path, context) else { return }
        let tree = try attempt(
            "open_tree", on: path, try DetachedMount.clone(target.borrowed, recursive: true))
        try attempt(
            "mount_setattr", on: path, try tree.setAttributes(set: .readOnly, recursive: true))
        try attempt("move_mount", on: path, try tree.attach(to: target.borrowed))
        try context.holdInstead(path, tree.borrowed)
    }
}
