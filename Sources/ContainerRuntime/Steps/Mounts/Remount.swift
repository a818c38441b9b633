internal import LinuxSystem
internal import SystemPackage

/// `mounts[]` with `remount`.
struct Remount: ContainerStep {
    static let manual = StepManual(
        "remount",
        what: "Changes the attributes of a mount that is there.",
        why: """
            In the config's order, after the mount that it changes. A tmpfs or devpts that is to \
            be read-only becomes so after the devices and the terminal that are made in it.
            """,
        calls: "openat2, mount_setattr")

    let mount: Configuration.Mount

    var summary: String { "remount \(mount.destination) \(mount.optionText)" }
    var needs: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        mount.changes(&commands)
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let found = try context.place(mount.destination)
        let place = try attempt("openat2", on: mount.destination, try found.open(.path))
        func change() throws(Errno) {
            try place.borrowed.setMountAttributes(set: mount.set, clear: mount.clear)
            try place.borrowed.setMountAttributes(
                set: mount.setRecursively, clear: mount.clearRecursively, recursive: true)
            for propagation in mount.propagation {
                try place.borrowed.setMountPropagation(
                    propagation.kind, recursive: propagation.isRecursive)
            }
        }
        try attempt(
            "mount_setattr", on: mount.destination,
            advice: { $0 == .invalidArgument ? "it is not a mount point" : nil }, try change())
    }
}
