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
        for (destination, kind) in ExternalMounts.wanted(
            spec, bundle: bundle, bindsControlGroups: bindsControlGroups)
        {
            guard let target = try? root.open(destination, .path),
                let id = try? target.borrowed.mountID(),
                let entry = table.entries.last(where: { UInt64($0.id) == id })
            else { continue }
            places.append(
                Place(point: entry.point, name: PathText.cleaned(destination), kind: kind))
        }
        add(table, places)
    }

    private mutating func add(_ table: MountTable, _ places: [Place]) {
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
            found.append((entry.point, around.name + rest))
        }
    }

    private static func wanted(
        _ spec: Spec, bundle: String, bindsControlGroups: Bool
    ) -> [(destination: String, kind: Kind)] {
        var wanted: [(destination: String, kind: Kind)] = []
        for reading in spec.mounts.map(MountReading.init) where !reading.isRemount {
            let kind: Kind =
                reading.bind != nil
                ? .external
                : reading.isControlGroup && bindsControlGroups ? .controlGroups : .own
            wanted.append((reading.mount.destination, kind))
        }
        for tree in spec.vfs?.copyOnWrite ?? [] {
            let path = tree.destination?.value ?? PathText.absolute(tree.path.value, from: bundle)
            wanted.append((PathText.cleaned(path), .external))
        }
        wanted.append((ReadinessSocket.destination, .external))
        return wanted
    }
}
