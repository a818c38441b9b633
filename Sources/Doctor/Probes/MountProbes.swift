internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension ProbeGroup {
    /// The calls that build a container's tree.
    static let mounts = ProbeGroup(
        key: "mounts", title: "Mounts",
        probes: [
            Probe(
                "namespace", "make a mount namespace", for: "every container", .everyone,
                look: mountPrivately),
            Probe(
                "open-tree", "clone a mount (open_tree)", for: "binds, and the seal of vfs-run",
                .everyone, since: "5.2", look: cloneTree),
            Probe(
                "attributes", "change the flags of a mount (mount_setattr)",
                for: "ro, nosuid, nodev",
                .everyone, since: "5.12", look: setAttributes),
            Probe(
                "proc", "mount proc for a new pid namespace", for: "/proc of the container",
                .everyone,
                look: mountProc),
            Probe(
                "sysfs", "mount sysfs for a new network namespace", for: "/sys of the container",
                look: mountSysfs),
            Probe(
                "devpts", "mount devpts", for: "terminals in containers", .everyone,
                look: mountTerminals),
            Probe(
                "mqueue", "mount mqueue", for: "POSIX message queues", look: mountQueues),
            Probe(
                "pivot-root", "change the root (pivot_root)", for: "every container", .everyone,
                mend: "from an initramfs: switch_root to a mounted file system first",
                look: pivot),
            Probe(
                "statmount", "ask about a mount (statmount)", for: "not used yet (mountinfo is)",
                since: "6.8", look: mountStatus),
        ])

    private static func mountPrivately(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter(.mount)
        _ = try subject.mountScratch()
        return .works(subject.isPrivileged ? "" : "in a user namespace")
    }

    private static func cloneTree(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter(.mount)
        _ = try attempt("open_tree", on: "/", try DetachedMount.clone("/", recursive: true))
        return .works()
    }

    private static func setAttributes(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter(.mount)
        let mount = try subject.mountScratch()
        try attempt(
            "mount_setattr",
            try mount.borrowed.setMountAttributes(set: [.readOnly, .noSetUserID, .noDevices]))
        return .works()
    }

    private static func mountProc(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter([.mount, .pid])
        return try subject.mountInside("proc")
    }

    private static func mountSysfs(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter([.mount, .network])
        return try subject.mountInside("sysfs")
    }

    private static func mountTerminals(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter(.mount)
        _ = try Subject.mount("devpts")
        return .works()
    }

    private static func mountQueues(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter([.mount, .ipc])
        _ = try Subject.mount("mqueue")
        return .works()
    }

    private static func pivot(_ subject: Subject) throws(Failure) -> Finding {
        try subject.enter(.mount)
        let scratch = try subject.mountScratch()
        try attempt("fchdir", try CurrentProcess.changeDirectory(scratch.borrowed))
        try MountTree.pivotToWorkingDirectory()
        return .works()
    }

    private static func mountStatus(_ subject: Subject) throws(Failure) -> Finding {
        try attempt("statmount", try KernelProbe.tryMountStatus())
        return .works()
    }
}
