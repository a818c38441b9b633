internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// The mounts of a container that come from the host. CRIU leaves them out of the images, and gets
/// their sources anew from the config when it restores. Their names are their destinations in the
/// config, with the rest of the path of a mount below one.
struct ExternalMounts {
    /// The mount point in the container, and the name.
    private(set) var found: [(point: String, name: String)] = []

    private enum Kind {
        case external
        /// Its cgroup file systems alone.
        case controlGroups
        /// CRIU saves what it is, and what is in it.
        case own
    }

    /// A mount of the config, and where it is.
    private struct Place {
        let point: String
        let name: String
        let kind: Kind
        /// On the host, of a bind mount.
        let source: String?
    }

    /// - Parameters:
    ///   - process: The container's first one, which does not run now or may be looked at while it does.
    ///   - bindsControlGroups: Whether the container has no namespace of control groups.
    init(
        of process: Int32, _ spec: Spec, bundle: String, bindsControlGroups: Bool
    ) throws(Failure) {
        let name = "/proc/\(process)/mountinfo"
        let table = MountTable(try attempt("read", on: name, try HostPath.read(name)))
        let root = RootDirectory(
            try attempt(
                "open", "the container's root",
                try HostPath.open("/proc/\(process)/root", [.path, .directory])))
        var places: [Place] = []
        for (destination, kind, source) in ExternalMounts.wanted(
            spec, bundle: bundle, bindsControlGroups: bindsControlGroups)
        {
            guard let target = try? root.open(destination, .path),
                let id = try? target.borrowed.mountID(),
                let entry = table.entries.last(where: { UInt64($0.id) == id })
            else { continue }
            places.append(
                Place(
                    point: entry.point, name: PathText.cleaned(destination), kind: kind,
                    source: source))
        }
        try add(table, places, root)
    }

    private mutating func add(
        _ table: MountTable, _ places: [Place], _ root: borrowing RootDirectory
    ) throws(Failure) {
        let host = try MountTable.read()
        let own = Set(
            table.entries.filter { entry in
                places.contains { $0.point == entry.point && $0.kind == .own }
            }.map(\.device))
        for entry in table.entries where entry.point != "/" {
            // The innermost mount of the config that it is or lies in.
            let around = places.filter {
                $0.point == entry.point || entry.point.lies(below: $0.point)
            }.max { $0.point.utf8.count < $1.point.utf8.count }
            guard let around else { continue }
            switch around.kind {
            case .own: continue
            case .controlGroups where entry.type != "cgroup" && entry.type != "cgroup2": continue
            case .external where entry.point != around.point && own.contains(entry.device):
                // A mask, which is a part of the container's own.
                continue
            case .external, .controlGroups: break
            }
            let rest = String(Substring(entry.point.utf8.dropFirst(around.point.utf8.count)))
            if let source = around.source {
                try ExternalMounts.require(entry, of: source + rest, around.name + rest, host, root)
            }
            found.append((entry.point, around.name + rest))
        }
    }

    /// A mount moves along with the directory that it lies on. A program that renames such directories
    /// could have the source of one mount restored with the attributes of another.
    private static func require(
        _ entry: MountTable.Entry, of source: String, _ name: String, _ host: MountTable,
        _ root: borrowing RootDirectory
    ) throws(Failure) {
        if try isSame(entry, source, host, root) { return }
        throw Failure(
            "what is mounted on \(name.inQuotes) in the container is not \(source.inQuotes) of the"
                + " config: directories of the container were renamed, or the host's were; such a"
                + " container is not saved")
    }

    private static func isSame(
        _ entry: MountTable.Entry, _ source: String, _ host: MountTable,
        _ root: borrowing RootDirectory
    ) throws(Failure) -> Bool {
        func compare() throws(Errno) -> Bool {
            let theirs = try root.open(entry.point, .path)
            let ours = try HostPath.open(source, .path)
            let status = try FileStatus.of(ours.borrowed)
            if try FileStatus.of(theirs.borrowed).isSame(as: status) { return true }
            // A file that was replaced on the host since: the mount still has its place.
            let path = try HostPath.linkTarget("/proc/self/fd/\(ours.borrowed.rawValue)")
            guard let around = host.around(path), around.device == entry.device else {
                return false
            }
            let rest = String(
                Substring(path.utf8.dropFirst(around.point == "/" ? 0 : around.point.utf8.count)))
            let place = around.root == "/" ? rest : around.root + rest
            return entry.root == place + "//deleted"
        }
        return try attempt("open", on: source, try compare())
    }

    private static func wanted(
        _ spec: Spec, bundle: String, bindsControlGroups: Bool
    ) -> [(destination: String, kind: Kind, source: String?)] {
        var wanted: [(destination: String, kind: Kind, source: String?)] = []
        for reading in spec.mounts.map(MountReading.init) where !reading.isRemount {
            let kind: Kind =
                reading.bind != nil
                ? .external
                : reading.isControlGroup && bindsControlGroups ? .controlGroups : .own
            let source =
                kind == .external
                ? reading.spec.source.map { PathText.absolute($0.value, from: bundle) } : nil
            wanted.append((reading.mount.destination, kind, source))
        }
        for tree in spec.vfs?.copyOnWrite ?? [] {
            let path = tree.destination?.value ?? PathText.absolute(tree.path.value, from: bundle)
            wanted.append((PathText.cleaned(path), .external, nil))
        }
        wanted.append((ReadinessSocket.destination, .external, nil))
        return wanted
    }
}
