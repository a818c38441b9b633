internal import LinuxSystem
internal import SystemPackage

/// The mounts that a process sees, as a tree.
public struct MountFacts: Sendable {
    /// Parents before what is mounted in them.
    public var all: [Mount] = []
    /// How many more there are than were looked at.
    public var isCut = false

    public struct Mount: Sendable {
        public var point: String
        public var type: String
        /// The directory of the file system: what a bind mount has bound.
        public var root: String
        public var source: String
        public var options: [String]
        public var isReadOnly: Bool
        /// Whether the file system itself is read-only.
        public var isReadOnlyFileSystem = false
        public var propagation: [String] = []
        /// Below how many others it lies.
        public var depth = 0
        /// Whether the host has the same file system mounted, and it holds files of a user.
        public var isHosts = false
        public var place: String?
        /// Why it is read-only, by the config.
        public var reason: String?
        var id = 0

        public init(
            point: String, type: String, root: String = "/", source: String, options: [String],
            isReadOnly: Bool
        ) {
            (self.point, self.type, self.root) = (point, type, root)
            (self.source, self.options, self.isReadOnly) = (source, options, isReadOnly)
        }
    }

    /// A container may have 100,000 mounts, and one that may mount makes them.
    private static let mostMounts = 2000
    private static let mostBytes = 1 << 20

    public init() {}

    init(
        of process: borrowing ProcessDirectory, isOwn: Bool?, _ places: ConfigPlaces?,
        _ unknown: inout [String]
    ) {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try process.read("mountinfo", upTo: MountFacts.mostBytes)
        } catch {
            unknown.append("the mounts: \(error.words)")
            self.init()
            return
        }
        let host = isOwn == false ? nil : try? MountTable.read()
        self.init(bytes, host: host, places)
    }

    /// - Parameters:
    ///   - bytes: The start of `mountinfo`.
    ///   - host: The mounts of the host; nil where the process sees them itself.
    init(_ bytes: [UInt8], host: MountTable?, _ places: ConfigPlaces? = nil) {
        let lines = bytes.split(separator: 0x0a)
        isCut = bytes.count >= MountFacts.mostBytes || lines.count > MountFacts.mostMounts
        let table = MountTable(
            Array(lines.prefix(MountFacts.mostMounts).joined(separator: [0x0a])))
        let hosts = Set((host?.entries ?? []).filter { !$0.isVirtual }.map(\.device))
        add(table.entries, places) {
            $0.point != "/" && $0.type != "overlay" && !$0.isVirtual && hosts.contains($0.device)
        }
    }

    /// Walks the tree without recursion: its depth is the container's choice.
    private mutating func add(
        _ entries: [MountTable.Entry], _ places: ConfigPlaces?,
        isHosts: (MountTable.Entry) -> Bool
    ) {
        var children: [Int: [MountTable.Entry]] = [:]
        let ids = Set(entries.map(\.id))
        var pending: [(MountTable.Entry, Int)] = []
        for entry in entries {
            if ids.contains(entry.parent) && entry.parent != entry.id {
                children[entry.parent, default: []].append(entry)
            } else {
                pending.append((entry, 0))
            }
        }
        while let (entry, depth) = pending.popLast() {
            all.append(mount(entry, depth, isHosts(entry), places))
            let below = (children.removeValue(forKey: entry.id) ?? []).sorted {
                $0.point > $1.point
            }
            pending += below.map { ($0, depth + 1) }
        }
    }

    private func mount(
        _ entry: MountTable.Entry, _ depth: Int, _ isHosts: Bool, _ places: ConfigPlaces?
    ) -> Mount {
        var mount = Mount(
            point: entry.point, type: entry.type, root: entry.root, source: entry.source,
            options: entry.options, isReadOnly: entry.isReadOnly)
        mount.isReadOnlyFileSystem = entry.isReadOnlyFileSystem
        mount.propagation = entry.propagation
        mount.depth = depth
        mount.isHosts = isHosts
        mount.place = places?.mount(entry.point)
        mount.reason = places?.readOnlyReason(entry.point)
        mount.id = entry.id
        return mount
    }

    /// The mount that a path lies in: the path is taken as it is written, without following links.
    func around(_ path: String) -> Mount? {
        var found: Mount?
        for mount in all where path == mount.point || path.lies(below: mount.point) {
            if mount.point.utf8.count >= found?.point.utf8.count ?? 0 { found = mount }
        }
        return found
    }

    /// Whether a path can be written as far as its mount decides.
    func isWritable(_ path: String) -> Bool {
        around(path).map { !$0.isReadOnly && !$0.isReadOnlyFileSystem } ?? false
    }
}
