internal import LinuxSystem
internal import SystemPackage

/// The source of a bind mount, on the host or in what an earlier mount of the container provides.
///
/// Both are told apart by descriptors: before the pivot the host's file is opened, and the kernel's
/// names of the descriptors say whether it lies in the directory that becomes the root. In its turn
/// such a source is opened inside the root. Where that is another mount than the root's own, an
/// earlier mount has provided it, and the host's file is what that one covers.
struct SourceInRoot {
    let source: HostBindSource
    /// The directory of the host that becomes the root; nil where layers do.
    let root: String?

    /// Notes for its turn whether an earlier mount may provide it.
    ///
    /// A path below the root directory is resolved inside of it: links there are an image's, and choose
    /// no directory of the host.
    ///
    /// - Returns: Whether the host's is to be opened (what it lacks may come from the container's own
    ///   mounts), and that file where it was found.
    func look(_ handover: Handover) throws(Failure) -> (isOnHost: Bool, file: HeldDescriptor?) {
        if let root, let rest = SourceInRoot.part(of: source.path, below: root) {
            let top = RootDirectory(try Mountpoint.open(root))
            let file: HeldDescriptor
            do throws(Errno) {
                file = HeldDescriptor(try top.open(rest, .path))
            } catch .noSuchFileOrDirectory {
                handover.innerSources[source.position] = InnerSource(
                    path: rest, isRecursive: source.isRecursive, isOnHost: false)
                return (false, nil)
            } catch {
                throw Failure("openat2", source.path.inQuotes, error)
            }
            let (own, place) = try attempt(
                "readlink", on: source.path,
                try (name(of: top.borrowed), name(of: file.borrowed)))
            guard place.hasPrefix(own + "/") else {
                throw Failure("\(source.path.inQuotes) leads out of the root directory")
            }
            handover.innerSources[source.position] = InnerSource(
                path: String(place.dropFirst(own.count)), isRecursive: source.isRecursive,
                isOnHost: true)
            return (true, file)
        }
        guard let inner = try inner() else { return (true, nil) }
        handover.innerSources[source.position] = inner
        return (inner.isOnHost, nil)
    }

    /// What of a path lies below the root directory; nil where it is written in another way.
    static func part(of path: String, below root: String) -> String? {
        let top = PathText.cleaned(root)
        let path = PathText.cleaned(path)
        guard top != "/", path.hasPrefix(top + "/") else { return nil }
        return String(path.dropFirst(top.count))
    }

    /// Nil for a source that lies elsewhere.
    private func inner() throws(Failure) -> InnerSource? {
        guard let root else { return nil }
        let top = try Mountpoint.open(root)
        guard let (found, missing) = deepest() else { return nil }
        let (own, place) = try attempt(
            "readlink", on: source.path,
            try (name(of: top.borrowed), name(of: found.borrowed)))
        guard own != "/", place.hasPrefix(own + "/") || place == own else { return nil }
        var path = String(place.dropFirst(own.count))
        for name in missing { path += "/" + name }
        if path.isEmpty { return nil }
        return InnerSource(
            path: path, isRecursive: source.isRecursive, isOnHost: missing.isEmpty)
    }

    /// The deepest directory on the way that the host has, and the names behind it.
    private func deepest() -> (HeldDescriptor, [String])? {
        var missing: [String] = []
        var path = source.path
        while true {
            do throws(Errno) {
                return (HeldDescriptor(try HostPath.open(path, .path)), missing)
            } catch .noSuchFileOrDirectory {
                guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
                    return nil
                }
                let name = String(path[path.index(after: slash)...])
                if name == ".." { return nil }
                if !name.isEmpty && name != "." { missing.insert(name, at: 0) }
                path = String(path[..<slash])
            } catch {
                return nil
            }
        }
    }

    private func name(of file: FileDescriptor) throws(Errno) -> String {
        try HostPath.linkTarget("/proc/self/fd/\(file.rawValue)")
    }
}

extension ContainerContext {
    /// The source of a bind mount, in its turn.
    ///
    /// - Parameter name: As the config has it.
    func takeSource(_ position: Int, _ name: String) throws(Failure) -> BindSource {
        guard let inner = handover.innerSources[position] else {
            return try handover.takeSource(position)
        }
        if let provided = try provided(inner, name) { return provided }
        if inner.isOnHost { return try handover.takeSource(position) }
        throw Failure(
            "open", name.inQuotes, .noSuchFileOrDirectory,
            advice: "the source of a bind mount must exist, on the host or in an earlier mount")
    }

    /// Nil where no earlier mount of the container provides it.
    private func provided(_ inner: InnerSource, _ name: String) throws(Failure) -> BindSource? {
        let root = try self.root.given(.root)
        let found: HeldDescriptor
        do throws(Errno) {
            // No link: what lies in the tree must not choose another source.
            found = HeldDescriptor(try root.directory.open(inner.path, .path, links: .refuse))
        } catch .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels {
            return nil
        } catch {
            throw Failure("openat2", name.inQuotes, error)
        }
        let file = found.borrowed
        let own = try attempt("statx", on: "/", try root.directory.borrowed.mountID())
        if try attempt("statx", on: name, try file.mountID()) == own { return nil }
        let magic = try attempt("fstatfs", on: name, try FileSystemMagic.of(file))
        // Its masks lie on the mount in its own place alone.
        if [.procfs, .sysfs, .cgroup, .cgroup2].contains(magic) {
            throw Failure(
                "\(name.inQuotes) is the kernel's own interface in an earlier mount of the container;"
                    + " a copy of it would have no masks")
        }
        if inner.isRecursive { try refuseKernelBelow(file, name) }
        let status = try attempt("fstat", on: name, try FileStatus.of(file))
        let tree = try attempt(
            "open_tree", on: name,
            try DetachedMount.clone(file, recursive: inner.isRecursive))
        return BindSource(tree, isDirectory: status.kind == .directory)
    }

    /// Nor may it bring mounts of them along that lie below.
    private func refuseKernelBelow(_ file: FileDescriptor, _ name: String) throws(Failure) {
        let proc = try openPrivateProc()
        func read() throws(Errno) -> (String, [UInt8]) {
            let place = try proc.directory.borrowed.linkTarget("self/fd/\(file.rawValue)")
            let table = try proc.directory.open("self/mountinfo", .readOnly)
            return (place, try table.borrowed.readAll(limit: 16 << 20))
        }
        let (place, table) = try attempt("read", "self/mountinfo", try read())
        let plain: Set<String> = [
            "tmpfs", "ramfs", "overlay", "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "vfat",
            "nfs", "nfs4", "zfs", "erofs", "squashfs", "virtiofs", "9p", "iso9660",
        ]
        for mount in MountTable(table).below(place)
        where !plain.contains(mount.type) && !mount.type.hasPrefix("fuse") {
            throw Failure(
                "\(name.inQuotes) has a mount of type \(mount.type) below it, of which a copy would"
                    + " have no masks; use \"bind\" in the place of \"rbind\"")
        }
    }
}
