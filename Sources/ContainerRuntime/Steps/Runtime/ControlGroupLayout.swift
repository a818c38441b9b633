internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// The host's hierarchies of control groups.
struct ControlGroupLayout: Sendable, Hashable {
    /// A hierarchy of version 1: its controllers (`cpu`, `cpuacct`) or its name (`name=systemd`).
    var version1: [[String]]
    /// Whether version 2 is mounted on `/sys/fs/cgroup` itself and nothing else is.
    var isUnified: Bool
    /// Where they are mounted, when that was asked for.
    var hierarchies: Hierarchies?

    /// Looks at `/sys/fs/cgroup` and, where that is not version 2, reads `/proc/self/cgroup`.
    ///
    /// - Parameter findsPaths: Looks for mount points too, which takes reading the mount table.
    static func read(findsPaths: Bool = false) throws(Failure) -> ControlGroupLayout {
        let unified = try isUnifiedHost()
        var layout = ControlGroupLayout("", unified: unified == true)
        if !layout.isUnified {
            let bytes = try attempt(
                "read", on: "/proc/self/cgroup", try HostPath.read("/proc/self/cgroup"))
            layout = ControlGroupLayout(String(decoding: bytes, as: UTF8.self), unified: false)
            layout.isUnified = unified == nil && layout.version1.isEmpty
        }
        if findsPaths {
            layout.hierarchies = try Hierarchies.read()
        }
        return layout
    }

    /// For each hierarchy the container's name for it and the path of its cgroup on the host: that
    /// of `group`, or else the runtime's own, in which it is.
    func places(of group: ControlGroup?) -> [(name: String, path: String)] {
        guard let hierarchies else { return [] }
        var found = hierarchies.version1.map { hierarchy in
            let controllers = hierarchy.controllers.joined(separator: ",")
            return (
                ControlGroupLayout.label(hierarchy.controllers),
                group?.paths.first { $0.controllers == controllers }?.path
                    ?? hierarchy.path(hierarchy.own)
            )
        }
        if let version2 = hierarchies.version2 {
            let path =
                group?.paths.first { $0.controllers.isEmpty }?.path
                ?? version2.path(version2.own)
            found.append((isUnified ? "" : "unified", path))
        }
        return found
    }

    /// The directory of a hierarchy of version 1 below `/sys/fs/cgroup`.
    static func label(_ controllers: [String]) -> String {
        let name = controllers.joined(separator: ",")
        return name.hasPrefix("name=") ? String(name.dropFirst(5)) : name
    }

    /// - Parameter controllers: `cpu,cpuacct`, `name=systemd`.
    static func isLabel(_ name: String, of controllers: String) -> Bool {
        controllers == name || controllers == "name=" + name
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

    /// Nil where there is no such directory.
    private static func isUnifiedHost() throws(Failure) -> Bool? {
        do throws(Errno) {
            let root = try HostPath.open("/sys/fs/cgroup", [.path, .directory])
            return try FileSystemMagic.of(root.borrowed) == .cgroup2
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw Failure("open", "\"/sys/fs/cgroup\"", error)
        }
    }
}
