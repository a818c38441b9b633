internal import SystemPackage

/// The mounts that this process sees (proc_pid_mountinfo(5)).
public struct MountTable: Sendable {
    public struct Entry: Sendable, Hashable {
        /// Absolute.
        public var point: String
        /// The type of its file system: `ext4`, `fuse.sshfs`.
        public var type: String
        /// `major:minor` of its file system.
        public var device: String
        /// Told of by `mnt_id` of an open file (proc_pid_fdinfo(5)).
        public var id: Int
        /// The mount that it lies in.
        public var parent: Int
        /// As the kernel has written it, for what few ask of it.
        fileprivate var line: ArraySlice<UInt8>
    }

    /// In the order of the table; those that another mount covers as a whole are not among them.
    public let entries: [Entry]

    public static func read() throws(Failure) -> MountTable {
        MountTable(
            try attempt(
                "read", on: "/proc/self/mountinfo", try HostPath.read("/proc/self/mountinfo")))
    }

    /// - Parameter bytes: The text of the table.
    public init(_ bytes: [UInt8]) {
        let all = bytes.split(separator: UInt8(ascii: "\n")).compactMap(Entry.init)
        var mounted: [Int: [Entry]] = [:]
        for entry in all { mounted[entry.parent, default: []].append(entry) }
        let ids = Set(all.map(\.id))
        // The order of the table says nothing: its root may stand behind what is mounted in it.
        guard let root = all.first(where: { !ids.contains($0.parent) || $0.parent == $0.id }) else {
            entries = []
            return
        }
        entries = all.filter { entry in
            var reached = root
            // Each step leads from a mount to one that is mounted in it.
            for _ in all {
                let next = mounted[reached.id]?.filter {
                    $0.id != reached.id
                        && (entry.point == $0.point || entry.point.lies(below: $0.point))
                }.min { $0.point.utf8.count < $1.point.utf8.count }
                guard let next else { break }
                reached = next
            }
            return reached.id == entry.id
        }
    }

    /// The mount that a path, cleaned and without links, lies in.
    public func around(_ path: String) -> Entry? {
        var found: Entry?
        for entry in entries where path == entry.point || path.lies(below: entry.point) {
            if entry.point.utf8.count >= found?.point.utf8.count ?? 0 { found = entry }
        }
        return found
    }

    /// The mounts below a path, without one on the path itself.
    public func below(_ path: String) -> [Entry] {
        entries.filter { $0.point.lies(below: path) }
    }
}

extension MountTable.Entry {
    /// Whether its file system shows the kernel, and no files of a user.
    public var isVirtual: Bool { MountTable.Entry.virtual.contains(type) }

    private static let virtual: Set<String> = [
        "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts",
        "devtmpfs", "efivarfs", "fuse.gvfsd-fuse", "fuse.portal", "fusectl", "hugetlbfs", "mqueue",
        "nfsd", "nsfs", "proc", "pstore", "resctrl", "rpc_pipefs", "securityfs", "selinuxfs",
        "sysfs", "tracefs",
    ]
    /// Nil for a line that is none of the table's.
    fileprivate init?(_ line: ArraySlice<UInt8>) {
        let fields = line.split(separator: UInt8(ascii: " "))
        guard fields.count > 8,
            let end = fields.dropFirst(6).firstIndex(where: { $0.elementsEqual([0x2d]) }),
            end + 1 < fields.count
        else { return nil }
        func text(_ index: Int) -> String { String(decoding: fields[index], as: UTF8.self) }
        guard let id = Int(text(0)), let parent = Int(text(1)) else { return nil }
        (self.id, self.parent, self.line) = (id, parent, line)
        device = text(2)
        point = String(decoding: fields[4].withoutEscapes, as: UTF8.self)
        type = text(end + 1)
    }
}

extension MountTable.Entry {
    /// The directory of its file system that is mounted: `/`, or the source of a bind mount.
    public var root: String { field(3) }
    /// Of this mount alone: `ro`, `nosuid`.
    public var options: [String] { field(5).split(separator: ",").map(String.init) }
    /// Of its file system, for all mounts of it.
    public var fileSystemOptions: [String] {
        behind(2).split(separator: ",").map(String.init)
    }
    /// The name that mount(2) got: a device, `tmpfs`, `overlay`.
    public var source: String { behind(1) }
    /// `shared:1`, `master:1`, `unbindable`; none of a private one.
    public var propagation: [String] {
        fields.dropFirst(6).prefix { !$0.elementsEqual([0x2d]) }.map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    public var isReadOnly: Bool { options.contains("ro") }
    /// Whether no mount of its file system can be written.
    public var isReadOnlyFileSystem: Bool { fileSystemOptions.contains("ro") }

    private var fields: [ArraySlice<UInt8>] { line.split(separator: UInt8(ascii: " ")) }

    private func field(_ index: Int) -> String {
        let fields = fields
        guard index < fields.count else { return "" }
        return String(decoding: fields[index].withoutEscapes, as: UTF8.self)
    }

    /// Counted from the hyphen, behind which the type stands.
    private func behind(_ index: Int) -> String {
        let fields = fields
        guard let end = fields.dropFirst(6).firstIndex(where: { $0.elementsEqual([0x2d]) }),
            end + 1 + index < fields.count
        else { return "" }
        return String(decoding: fields[end + 1 + index].withoutEscapes, as: UTF8.self)
    }
}

extension ArraySlice<UInt8> {
    /// Without the octal escapes of the table: `\040` is a space.
    fileprivate var withoutEscapes: [UInt8] {
        var found: [UInt8] = []
        var position = startIndex
        while position < endIndex {
            if self[position] == UInt8(ascii: "\\"), endIndex - position > 3,
                let code = UInt8(
                    String(decoding: self[position + 1...position + 3], as: UTF8.self), radix: 8)
            {
                found.append(code)
                position += 4
            } else {
                found.append(self[position])
                position += 1
            }
        }
        return found
    }
}

extension String {
    /// Whether this path, cleaned, lies below another one.
    public func lies(below directory: String) -> Bool {
        if directory == "/" { return utf8.count > 1 }
        let rest = utf8.dropFirst(directory.utf8.count)
        return rest.first == UInt8(ascii: "/") && utf8.starts(with: directory.utf8)
    }
}
