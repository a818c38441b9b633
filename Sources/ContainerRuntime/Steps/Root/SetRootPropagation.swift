internal import LinuxSystem
internal import SystemPackage

/// `linux.rootfsPropagation`, after the pivot.
struct SetRootPropagation: ContainerStep {
    static let manual = StepManual(
        "set the root propagation",
        what: "Makes the new root shared, slave, private or unbindable.",
        why: "After the pivot, which fails with EINVAL on a shared root.",
        calls: "mount_setattr")

    let propagation: Configuration.Propagation

    var summary: String {
        "make the root \(propagation.isRecursive ? "r" : "")\(propagation.kind.name)"
    }
    var needs: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        let option = "--make-\(propagation.isRecursive ? "r" : "")\(propagation.kind.name)"
        commands.note("When the root has changed.")
        commands.runAfterPivot("mount", "--namespace", "\"$pid\"", .value(option), "/")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let root = try context.root.given(.root)
        try attempt(
            "mount_setattr", on: "/",
            try root.directory.borrowed.setMountPropagation(
                propagation.kind, recursive: propagation.isRecursive))
    }
}
