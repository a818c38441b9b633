internal import LinuxSystem
internal import SystemPackage

/// `root.readonly`: after everything that makes files or directories in it.
struct ProtectRoot: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "make the root read-only",
            what: "Makes the mount of the root read-only.",
            why: """
                After everything that makes a directory or a file in the root, of which the working \
                directory is the last.
                """,
            calls: "mount_setattr")
    }

    let summary = "make the root read-only"

    func apply(_ context: StartContext) throws(StepError) {
        let root = try context.openRoot()
        try stepping("mount_setattr", "\"/\" ro") { () throws(Errno) in
            try root.directory.borrowed.setMountAttributes(set: .readOnly)
        }
    }
}
