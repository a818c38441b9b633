import Glibc
import Testing

/// The host's cgroups, as the kernel shows them.
enum ControlGroups {
    /// Where hierarchies are mounted, with their controllers; version 2 with none.
    static var mounts: [(controllers: Set<String>, path: String)] {
        MountEntry.parse(Host.read("/proc/self/mountinfo")).compactMap { mount in
            switch mount.type {
            case "cgroup2": ([], mount.point)
            case "cgroup": (mount.superOptions, mount.point)
            default: nil
            }
        }
    }

    /// A shell's command, in a mount namespace of its own: version 2 alone is mounted then.
    static let showVersion2 =
        "umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup"

    static func has(version1 controller: String) -> Bool {
        mounts.contains { $0.controllers.contains(controller) }
    }

    /// The path on the host that `/proc/PID/cgroup` names for a controller of version 1.
    static func path(of pid: pid_t, _ controller: String) -> String? {
        for line in Host.read("/proc/\(pid)/cgroup").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2)
            guard fields.count == 3,
                fields[1].split(separator: ",").contains(Substring(controller)),
                let mount = mounts.first(where: { $0.controllers.contains(controller) })
            else { continue }
            return mount.path + fields[2]
        }
        return nil
    }

    /// Every cgroup whose name contains `name`.
    static func named(_ name: String) -> [String] {
        mounts.flatMap { find(name, in: $0.path) }
    }

    private static func find(_ name: String, in directory: String) -> [String] {
        TreeSnapshot.names(in: directory).flatMap { entry -> [String] in
            let path = directory + "/" + entry
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return [] }
            return (entry.contains(name) ? [path] : []) + find(name, in: path)
        }
    }
}

/// `linux.resources` that cannot hold, and what the error has to say.
struct RefusedLimit: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var resources: Value
    var words: [String]

    init(_ description: String, _ resources: Value, _ words: [String]) {
        testDescription = description
        self.resources = resources
        self.words = words
    }
}
