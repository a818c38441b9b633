internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension ProbeGroup {
    /// The calls that build a container's tree.
    static let mounts = ProbeGroup(
        key: "mounts", title: "Mounts",
        probes: [
            Probe(
                "namespace", "mount where nobody else sees it", for: "every container", .everyone,
                look: mountPrivately),
            Probe(
                "open-tree", "clone a mount (open_tree)", for: "binds, and the seal of vfs-run",
                .everyone, since: "5.2", look: cloneTree),
            Probe(
                "attributes", "change a mount's flags (mount_setattr)", for: "ro, nosuid, nodev",
                .everyone, since: "5.12", look: setAttributes),
            Probe(
                "proc", "mount proc for new processes", for: "a /proc of its own", .everyone,
                look: mountProc),
            Probe(
                "sysfs", "mount sysfs for a new network", for: "a /sys of its own",
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
                "statmount", "ask about a mount (statmount)", for: "nothing yet; mountinfo does",
                since: "6.8", look: mountStatus),
        ])

    private static func mountPrivately(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try subject.enter(.mount)
        _ = try subject.mountScratch()
        return .works(subject.isPrivileged ? "" : "in a user namespace")
    }

    private static func cloneTree(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try subject.enter(.mount)
        _ = try trying("open_tree", "\"/\"") { () throws(Errno) in
            try DetachedMount.clone("/", recursive: true)
        }
        return .works()
    }

    private static func setAttributes(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try subject.enter(.mount)
        let mount = try subject.mountScratch()
        try trying("mount_setattr") { () throws(Errno) in
            try mount.borrowed.setMountAttributes(set: [.readOnly, .noSetUserID, .noDevices])
        }
        return .works()
    }

    private static func mountProc(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try subject.enter([.mount, .pid])
        return try subject.mountInside("proc")
    }

    private static func mountSysfs(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try subject.enter([.mount, .network])
        return try subject.mountInside("sysfs")
    }

    private static func mountTerminals(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try subject.enter(.mount)
        return try subject.mountAlone("devpts")
    }

    private static func mountQueues(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try subject.enter([.mount, .ipc])
        return try subject.mountAlone("mqueue")
    }

    private static func pivot(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try subject.enter(.mount)
        let scratch = try subject.mountScratch()
        try trying("fchdir") { () throws(Errno) in
            try CurrentProcess.changeDirectory(scratch.borrowed)
        }
        do {
            try MountTree.pivotToWorkingDirectory()
        } catch {
            throw ProbeFailure(error)
        }
        return .works()
    }

    private static func mountStatus(_ subject: Subject) throws(ProbeFailure) -> Finding {
        try trying("statmount") { () throws(Errno) in try KernelProbe.tryMountStatus() }
        return .works()
    }
}

extension Subject {
    func mountAlone(_ type: String) throws(ProbeFailure) -> Finding {
        let context = try trying("fsopen", type) { () throws(Errno) in
            try FileSystemContext(type)
        }
        _ = try trying("fsmount", type) { () throws(Errno) in
            try context.create()
            return try context.mount()
        }
        return .works()
    }
}
