internal import LinuxSystem
public import SystemPackage

/// A container's cgroup: one directory in each hierarchy that it has one in.
public struct ControlGroup: Sendable {
    /// Absolute paths on the host. Of version 1 with the hierarchy's controllers (`cpu,cpuacct`),
    /// of version 2 with none.
    public internal(set) var paths: [(controllers: String, path: String)]
    /// Directories above it that were made for it, the deepest last.
    public internal(set) var parents: [String] = []
    /// The hierarchies of version 1, by their controllers, in which this process made it and it is
    /// not the root: that has files that are about the whole hierarchy (`release_agent`).
    public internal(set) var belowRoot: Set<String> = []
    /// Why it is in none of some hierarchies that no limit needs.
    public internal(set) var passedOver: [String] = []
    /// Keep other runtime processes from taking the same cgroup as long as this value lives.
    var locks: [ControlGroupLock] = []
    /// Set when systemd has made it.
    public internal(set) var unit: SystemdUnit?
    /// Where that systemd listens; nil for where the environment says.
    var managerPlaces: [Systemd.Place]?
    /// In the unit until the container's first process is.
    var anchor: SystemdAnchor?

    /// One that is there already, from a saved state.
    public init(
        paths: [(controllers: String, path: String)], parents: [String] = [],
        unit: SystemdUnit? = nil, belowRoot: Set<String> = []
    ) {
        self.belowRoot = belowRoot
        self.paths = paths
        self.parents = parents
        self.unit = unit
    }

    /// Whether root in a namespace of cgroups of its own cannot change its limits in version 2.
    public var isGuarded: Bool {
        version2 != nil && (try? Hierarchies.read())?.version2?.guardsNamespaces ?? false
    }

    /// Its directory in version 2.
    public var version2: String? { paths.first { $0.controllers.isEmpty }?.path }

    /// The directory of version 2, for `clone3` to make a process in; only while the value that
    /// made the cgroup lives.
    public var version2Descriptor: FileDescriptor? {
        guard let version2 else { return nil }
        return locks.first { $0.path == version2 }?.directory
    }

    /// Its directory where `controller` (by its name of version 1) has a say: in the hierarchy of
    /// version 1 that has it, or in version 2.
    func directory(of controller: String) -> (path: String, isVersion2: Bool)? {
        for (controllers, path) in paths where !controllers.isEmpty {
            if controllers.split(separator: ",").contains(Substring(controller)) {
                return (path, false)
            }
        }
        return version2.map { ($0, true) }
    }

    /// The directory that tells of all its processes.
    var mainDirectory: String? {
        version2 ?? directory(of: "freezer")?.path ?? directory(of: "devices")?.path
            ?? paths.first?.path
    }
}
