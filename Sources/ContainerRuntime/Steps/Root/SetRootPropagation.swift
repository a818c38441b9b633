internal import LinuxSystem
internal import SystemPackage

/// `linux.rootfsPropagation`, after the pivot.
struct SetRootPropagation: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "set the root propagation",
            what: "Makes the new root shared, slave, private or unbindable.",
            why: "After the pivot, which fails with EINVAL on a shared root.",
            calls: "mount_setattr")
    }

    let propagation: Configuration.Propagation

    var summary: String {
        "make the root \(propagation.isRecursive ? "r" : "")\(propagation.kind.name)"
    }
    var needs: Provisions { [.root] }

    func apply(_ context: ContainerContext) throws(StepError) {
        let root = try context.root.given(.root)
        try stepping("mount_setattr", "\"/\"") { () throws(Errno) in
            try root.directory.borrowed.setMountPropagation(
                propagation.kind, recursive: propagation.isRecursive)
        }
    }
}
