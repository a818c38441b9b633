internal import LinuxSystem
internal import SystemPackage

/// What is mounted from here on must not appear on the host. First of the mount steps: a mount
/// made before it would.
struct SeparateMounts: Step {
    let propagation: Configuration.Propagation
    /// The directory of the host that the root will be mounted on.
    let mountpoint: String

    let side = Side.container
    var summary: String {
        propagation.kind == .shared
            ? "share mounts with the host, but for those on \(mountpoint)"
            : "stop mounts from reaching the host"
    }

    func apply(_ context: StartContext) throws(StepError) {
        if propagation.kind == .shared { return try separateMountpoint() }
        let kind = propagation.kind == .slave ? MountPropagation.slave : .private
        try stepping("mount_setattr", "\"/\" r\(kind.name)") { () throws(Errno) in
            try MountTree.setRootPropagation(kind, recursive: true)
        }
    }
}

extension SeparateMounts {
    /// Shared by request: bind mounts stay peers of the host's. Only the mount that the root will
    /// lie on must be private, or the root would appear on the host, and pivot_root refuses it.
    private func separateMountpoint() throws(StepError) {
        let directory = try Mountpoint.open(mountpoint)
        try stepping("mount_setattr", "private, around \(mountpoint.inQuotes)") {
            () throws(Errno) in
            let top = try MountTree.top(of: directory.borrowed)
            try top.borrowed.setMountPropagation(.private, recursive: false)
        }
    }
}

/// A bind mount's source is opened while the host's tree is there; it is attached when the
/// container's is. In between it hangs nowhere.
///
/// Of the runtime where the init process may not be allowed to, as the root of a user namespace,
/// and where ids are mapped, which only the file system's owner may do.
struct OpenBindSource: Step {
    let source: String
    let isRecursive: Bool
    /// Among the sources of all bind mounts, counted from 0.
    let position: Int
    var side = Side.container
    var idMapping: Configuration.Mount.IDMapping?
    /// Of the container's user namespace; nil where it is joined.
    var mappings: IDMappings?

    var summary: String {
        let ids = idMapping == nil ? "" : ", with its ids mapped"
        return "open \(source) for binding\(ids)"
    }

    func apply(_ context: StartContext) throws(StepError) {
        let file = try stepping(
            "open", source.inQuotes,
            advice: {
                $0 == .noSuchFileOrDirectory ? "the source of a bind mount must exist" : nil
            }
        ) { () throws(Errno) in
            try HostPath.open(source, .path)
        }
        let opened = try stepping(
            "open_tree", source.inQuotes,
            advice: {
                $0 == .invalidArgument && !isRecursive
                    ? "mounts below it would be laid bare, which a user namespace may not; use"
                        + " \"rbind\"" : nil
            }
        ) { () throws(Errno) in
            let tree = try DetachedMount.clone(file.borrowed, recursive: isRecursive)
            // Those of the init process are no peers of the host's any more; these would be.
            if side == .runtime { try tree.setPropagation(.slave, recursive: true) }
            return BindSource(
                tree, isDirectory: try FileStatus.of(file.borrowed).kind == .directory)
        }
        if let idMapping {
            guard let mappings = idMapping.mappings ?? mappings ?? context.idMappings else {
                throw StepError("the plan knows no mappings for \(source)")
            }
            try mappings.apply(
                to: opened.tree, recursive: idMapping.isRecursive, named: source.inQuotes)
        }
        context.keep(opened, at: position)
    }
}

extension IDMappings {
    /// - Parameter name: What it is, for messages.
    func apply(
        to tree: borrowing DetachedMount, recursive: Bool, named name: String
    ) throws(StepError) {
        let namespace: HeldDescriptor
        do throws(SystemCallError) {
            namespace = HeldDescriptor(try makeNamespace())
        } catch {
            throw error
        }
        try stepping(
            "mount_setattr", "\(name) MOUNT_ATTR_IDMAP",
            advice: {
                switch $0 {
                case .invalidArgument:
                    "its file system, or one mounted below it, does not know id-mapped mounts, or"
                        + " its ids are mapped already"
                case .notPermitted: "only the owner of its file system may map ids"
                default: nil
                }
            }
        ) { () throws(Errno) in
            try tree.mapIDs(by: namespace.borrowed, recursive: recursive)
        }
    }
}

/// `root.path` itself becomes the root, as the OCI specification has it.
struct MountRootDirectory: Step {
    let path: String

    let side = Side.container
    var summary: String { "bind \(path) as the root" }

    func apply(_ context: StartContext) throws(StepError) {
        let target = try Mountpoint.open(path)
        let tree = try stepping("open_tree", path.inQuotes) { () throws(Errno) in
            try DetachedMount.clone(target.borrowed, recursive: true)
        }
        try stepping("move_mount", path.inQuotes) { () throws(Errno) in
            try tree.attach(to: target.borrowed)
        }
        context.root = HeldRoot(RootDirectory(tree.release()))
    }
}

/// The directory of the host that the container's root is mounted on, in the container's mount
/// namespace only.
enum Mountpoint {
    static func open(_ path: String) throws(StepError) -> OwnedDescriptor {
        do {
            return try HostPath.open(path, [.path, .directory])
        } catch .noSuchFileOrDirectory {
            throw StepError("the root file system \"\(path)\" does not exist")
        } catch .notDirectory {
            throw StepError("the root file system \"\(path)\" is not a directory")
        } catch {
            throw StepError(SystemCallError("open", path.inQuotes, error))
        }
    }
}

/// The container's tree becomes the root, and the host's is let go. After this step no path leads
/// to the host any more; before it, bind sources and layers must be open.
struct PivotRoot: Step {
    let side = Side.container
    let summary = "make it the root (pivot_root) and let go of the host's tree"

    func apply(_ context: StartContext) throws(StepError) {
        let root = try context.openRoot()
        try stepping("fchdir", "to the new root") { () throws(Errno) in
            try CurrentProcess.changeDirectory(root.directory.borrowed)
        }
        do {
            try MountTree.pivotToWorkingDirectory()
        } catch {
            throw error
        }
    }
}

/// `linux.rootfsPropagation`: after the pivot, which a shared root would forbid.
struct SetRootPropagation: Step {
    let propagation: Configuration.Propagation

    let side = Side.container
    var summary: String {
        "make the root \(propagation.isRecursive ? "r" : "")\(propagation.kind.name)"
    }

    func apply(_ context: StartContext) throws(StepError) {
        let root = try context.openRoot()
        try stepping("mount_setattr", "\"/\"") { () throws(Errno) in
            try root.directory.borrowed.setMountPropagation(
                propagation.kind, recursive: propagation.isRecursive)
        }
    }
}

/// `root.readonly`: after everything that makes files or directories in it.
struct ProtectRoot: Step {
    let side = Side.container
    let summary = "make the root read-only"

    func apply(_ context: StartContext) throws(StepError) {
        let root = try context.openRoot()
        try stepping("mount_setattr", "\"/\" ro") { () throws(Errno) in
            try root.directory.borrowed.setMountAttributes(set: .readOnly)
        }
    }
}
