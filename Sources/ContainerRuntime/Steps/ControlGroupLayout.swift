internal import LinuxSystem
internal import SystemPackage

/// The host's hierarchies of control groups.
struct ControlGroupLayout: Sendable, Hashable {
    /// A hierarchy of version 1: its controllers (`cpu`, `cpuacct`) or its name (`name=systemd`).
    var version1: [[String]]
    /// Whether version 2 is mounted on `/sys/fs/cgroup` itself and nothing else is.
    var isUnified: Bool

    /// Looks at `/sys/fs/cgroup` and, where that is not version 2, reads `/proc/self/cgroup`.
    static func read() throws(StepError) -> ControlGroupLayout {
        if isUnifiedHost { return ControlGroupLayout("", unified: true) }
        let bytes = try stepping("read", "\"/proc/self/cgroup\"") { () throws(Errno) in
            try HostPath.read("/proc/self/cgroup")
        }
        return ControlGroupLayout(String(decoding: bytes, as: UTF8.self), unified: false)
    }

    /// - Parameter text: Lines of `id:controllers:path` (cgroups(7)).
    init(_ text: String, unified: Bool) {
        isUnified = unified
        version1 = text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3, !fields[1].isEmpty else { return nil }
            return fields[1].split(separator: ",").map(String.init)
        }
    }

    private static var isUnifiedHost: Bool {
        guard let root = try? HostPath.open("/sys/fs/cgroup", [.path, .directory]) else {
            return true
        }
        return (try? FileSystemMagic.of(root.borrowed)) == .cgroup2
    }
}
