internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// `mounts[]` of type `cgroup`. In version 2 read-only, but for a cgroup that was given to the
/// container (CVE-2023-25809). In version 1 as the config has it where the container has a cgroup of
/// its own below the root of the hierarchy, whose files are about the whole of it (CVE-2022-0492).
///
/// There it takes new namespaces of cgroups and pids, and no limit that the container could lift.
struct MountControlGroups: ContainerStep {
    static let manual = StepManual(
        "mount the control groups",
        what: """
            Mounts the hierarchies as the container's cgroup namespace shows them, or attaches \
            clones of the container's cgroups. Read-only, unless the config asks for another view \
            and the container's cgroup was given to it, in version 1 unless it has its own.
            """,
        why: "In the config's order: a later mount may lie inside an earlier one.",
        calls: "openat2, fsopen, fsconfig, fsmount, mount_setattr, move_mount")

    let mount: Configuration.Mount
    /// As far as the container's limits hold.
    var isForWriting = false
    /// The controllers of version 1 that hold a limit, which the container could lift; nil where no
    /// hierarchy of version 1 is for writing.
    var limited: Set<String>?

    var summary: String {
        MountTarget(mount: mount).summary(
            isForWriting ? "control groups" : "a read-only view of control groups")
    }
    var needs: Provisions { [.root, .controlGroups] }

    func shell(_ commands: inout ShellCommands) {
        let place = ShellWord.path(mount.destination)
        commands.run("directory", place)
        let options = mount.set.union(isForWriting ? [] : .readOnly).optionWords
            .joined(separator: ",")
        commands.run(
            "if [ -e /sys/fs/cgroup/cgroup.controllers ]; then mount -t cgroup2 -o",
            .value(options), "cgroup2", place, "; else mount --rbind /sys/fs/cgroup", place, "; fi")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let layout = try context.handover.controlGroups.given(.controlGroups)
        // Those of a cgroup namespace are mounted anew.
        let trees = context.controlGroupTrees ?? []
        let target = MountTarget(mount: mount)
        let place = try target.open(context, directory: true)
        var attached = mount
        if !context.handover.givesControlGroup {
            attached.set = mount.set.union(.readOnly)
            attached.clear = mount.clear.subtracting(.readOnly)
        }
        if layout.isUnified {
            if let bound = trees.first {
                try MountTarget(mount: attached).attach(bound.tree.tree, place.borrowed)
                return try context.hold(mount.destination, bound.tree.tree.borrowed, .kernel)
            }
            let tree = try hierarchy("cgroup2", [], isWritable: context.handover.givesControlGroup)
            try MountTarget(mount: attached).attach(tree, place.borrowed)
            return try context.hold(mount.destination, tree.borrowed, .kernel)
        }
        let own = writable(context)
        let folder = try attempt("mount", "tmpfs", try MountControlGroups.makeFolder())
        try attempt("move_mount", on: mount.destination, try folder.attach(to: place.borrowed))
        if layout.hierarchies != nil {
            for (name, bound) in trees {
                let isOwn = own.contains {
                    name != "unified" && ControlGroupLayout.isLabel(name, of: $0)
                }
                try add(bound.tree, name, folder.borrowed, isOwn ? mount : attached)
            }
        } else {
            for controllers in layout.version1 {
                let isOwn = own.contains(controllers.joined(separator: ","))
                try add(
                    try hierarchy("cgroup", controllers, isWritable: isOwn),
                    ControlGroupLayout.label(controllers), folder.borrowed,
                    isOwn ? mount : attached)
            }
            try add(try hierarchy("cgroup2", []), "unified", folder.borrowed, attached)
        }
        for controllers in layout.version1 where controllers.count > 1 {
            let target = ControlGroupLayout.label(controllers)
            for name in controllers {
                try attempt(
                    "symlink", on: name, try folder.borrowed.makeSymbolicLink(name, to: target))
            }
        }
        try attempt(
            "mount_setattr", on: mount.destination,
            try folder.setAttributes(set: own.isEmpty ? attached.set : mount.set))
        try context.hold(mount.destination, folder.borrowed, .new)
    }

    /// The hierarchies of version 1 that are for writing, by their controllers.
    private func writable(_ context: ContainerContext) -> Set<String> {
        guard let limited, !mount.set.contains(.readOnly) else { return [] }
        let own = context.handover.controlGroup?.belowRoot ?? []
        return own.filter { limited.isDisjoint(with: $0.split(separator: ",").map(String.init)) }
    }

    private static func makeFolder() throws(Errno) -> DetachedMount {
        let tmpfs = try FileSystemContext("tmpfs")
        try tmpfs.set("mode", "755")
        try tmpfs.set("size", "64k")
        try tmpfs.set("nr_inodes", "256")
        try tmpfs.create()
        return try tmpfs.mount()
    }

    private func hierarchy(
        _ type: String, _ controllers: [String], isWritable: Bool = false
    ) throws(Failure) -> DetachedMount {
        func mountIt() throws(Errno) -> DetachedMount {
            let context = try FileSystemContext(type)
            for controller in controllers {
                let parts = controller.split(separator: "=", maxSplits: 1).map(String.init)
                if parts.count == 2 {
                    try context.set(parts[0], parts[1])
                } else {
                    try context.set(controller)
                }
            }
            try context.create()
            return try context.mount(isWritable ? [] : .readOnly)
        }
        return try attempt(
            "mount", "\(type) \(controllers.joined(separator: ","))", try mountIt())
    }

    private func add(
        _ tree: borrowing DetachedMount, _ name: String, _ folder: FileDescriptor,
        _ mount: Configuration.Mount
    ) throws(Failure) {
        try attempt("mkdir", on: name, try folder.makeDirectory(name, mode: 0o755))
        let place = try attempt("openat", on: name, try folder.open(name, [.path, .directory]))
        try MountTarget(mount: mount).attach(tree, place.borrowed)
    }
}
