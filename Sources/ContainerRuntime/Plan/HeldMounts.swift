internal import LinuxSystem
internal import SystemPackage

/// The mounts of a start on `/proc`, `/sys` and `/dev`, by descriptors.
///
/// Masks, read-only paths, devices and the terminal, which confine the container, lie in these mounts.
/// A mount moves along with the directory it lies on, and without an overlay another process may be
/// able to rename directories of the root, as a second container on the same volume is. So nothing
/// in these mounts is found by their names.
struct HeldMounts {
    struct Mount {
        /// In the container, cleaned.
        let path: String
        let root: HeldRoot
        let content: Content
    }

    /// Who decides about names in it.
    enum Content {
        /// The kernel: procfs, sysfs.
        case kernel
        /// The init process alone: a new tmpfs.
        case new
        /// Others too: a directory that is bound.
        case shared

        init(type: String) {
            switch type {
            case "proc", "sysfs", "cgroup", "cgroup2", "mqueue", "devpts": self = .kernel
            case "tmpfs": self = .new
            default: self = .shared
            }
        }

        init(boundFrom magic: FileSystemMagic) {
            self = [.procfs, .sysfs].contains(magic) ? .kernel : .shared
        }

        /// The kernel's own links are followed; links that others can make are not.
        var links: LinkPolicy { self == .kernel ? .followInside : .refuse }
    }

    private(set) var mounts: [Mount] = []

    static let names = ["/proc", "/sys", "/dev"]

    /// Whether a mount on `path` is to be held. Below a mount in which no other process can rename
    /// anything names need not be.
    func wants(_ path: String) -> Bool {
        guard HeldMounts.names.contains(where: { path == $0 || path.lies(below: $0) }) else {
            return false
        }
        guard let around = covering(path) else { return true }
        return around.mount.path == path || around.mount.content == .shared
    }

    /// The mount that `path`, cleaned, is or lies in, and the path in it.
    func covering(_ path: String) -> (mount: Mount, rest: String)? {
        // Only the latest mount on a path is held, so the longest is the one that is seen.
        var found: Mount?
        for mount in mounts where path == mount.path || path.lies(below: mount.path) {
            if mount.path.utf8.count > found?.path.utf8.count ?? 0 { found = mount }
        }
        guard let found else { return nil }
        let rest = path.utf8.dropFirst(found.path.utf8.count)
        return (found, rest.isEmpty ? "/" : String(Substring(rest)))
    }

    /// The held mount that another one lies on; nil for the root.
    func around(_ mount: Mount) -> (mount: Mount, rest: String)? {
        var others = self
        others.mounts.removeAll { $0.path == mount.path }
        return others.covering(mount.path)
    }

    mutating func hold(_ path: String, _ root: HeldRoot, _ content: Content) {
        mounts.removeAll { $0.path == path || $0.path.lies(below: path) }
        mounts.append(Mount(path: path, root: root, content: content))
    }
}

/// A path of the container's, and where it is looked up: in the mount that is held, where there is
/// one, or in the root.
struct HeldPlace {
    let root: HeldRoot
    let path: String
    let links: LinkPolicy
    let isInMount: Bool

    func open(
        _ flags: OpenFlags, links: LinkPolicy? = nil
    ) throws(Errno) -> OwnedDescriptor {
        try root.directory.open(path, flags, links: links ?? self.links)
    }

    func makeDirectories(links: LinkPolicy? = nil) throws(Errno) -> OwnedDescriptor {
        try root.directory.makeDirectories(path, links: links ?? self.links)
    }

    func makeFile(links: LinkPolicy? = nil) throws(Errno) -> OwnedDescriptor {
        try root.directory.makeFile(path, links: links ?? self.links)
    }

    func makeParent() throws(Errno) -> RootDirectory.Parent {
        try root.directory.makeParent(of: path, links: links)
    }
}

extension ContainerContext {
    /// - Parameter path: `..` in a path that lies in a held mount is taken away by the text alone.
    func place(_ path: String) throws(Failure) -> HeldPlace {
        if let (mount, rest) = heldMounts.covering(PathText.cleaned(path)) {
            return HeldPlace(
                root: mount.root, path: rest, links: mount.content.links, isInMount: true)
        }
        return try rootPlace(path)
    }

    /// A path that is looked up in the root whatever it leads through.
    func rootPlace(_ path: String) throws(Failure) -> HeldPlace {
        HeldPlace(root: try root.given(.root), path: path, links: .followInside, isInMount: false)
    }

    /// Keeps a mount that has just been attached, where it is one to be kept.
    func hold(
        _ path: String, _ tree: FileDescriptor, _ content: HeldMounts.Content
    ) throws(Failure) {
        let path = PathText.cleaned(path)
        guard heldMounts.wants(path) else { return }
        let root = try attempt(
            "fcntl", on: path, try HeldRoot(RootDirectory(OwnedDescriptor.duplicate(tree))))
        heldMounts.hold(path, root, content)
    }

    /// A mount that covers a held one as a whole takes its place.
    func holdInstead(_ path: String, _ tree: FileDescriptor) throws(Failure) {
        let path = PathText.cleaned(path)
        guard let held = heldMounts.covering(path), held.mount.path == path else { return }
        try hold(path, tree, held.mount.content)
    }
}
