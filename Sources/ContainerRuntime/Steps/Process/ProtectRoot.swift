internal import LinuxSystem
internal import SystemPackage

/// `root.readonly`
struct ProtectRoot: ContainerStep {
    static let manual = StepManual(
        "make the root read-only",
        what: "Makes the mount of the root read-only.",
        why: """
            After everything that makes a directory or a file in the root, of which the working \
            directory is the last.
            """,
        calls: "mount_setattr")

    let summary = "make the root read-only"
    var needs: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        commands.run("mount -o remount,bind,ro \"$root\"")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let root = try context.root.given(.root)
        try attempt(
            "mount_setattr", "\"/\" ro",
            try root.directory.borrowed.setMountAttributes(set: .readOnly))
    }
}
