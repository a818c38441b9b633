public import LinuxSystem
public import OCISpec
internal import SystemPackage

extension ControlGroup {
    /// Applies new limits to a cgroup that is there; what is nil in them stays as it is. Devices
    /// stay as they are in any case.
    ///
    /// A container is made with the controllers that its config needs. For a limit of another one
    /// its processes get a cgroup there too, which is one of `paths` then.
    ///
    /// - Throws: The first limit that cannot be applied. Those before it are.
    public mutating func update(_ resources: Resources) throws(Failure) {
        let hierarchies = try Hierarchies.read()
        if let unit { try updateUnit(unit, resources, hierarchies) }
        try reach(resources, hierarchies)
        try apply(resources, hierarchies)
    }

    private mutating func reach(
        _ resources: Resources, _ hierarchies: Hierarchies
    ) throws(Failure) {
        guard let inner = inner(hierarchies) else { return }
        var limits = resources
        limits.devices = []
        var maker = ControlGroupMaker(
            ControlGroupRequest(path: inner, name: "", resources: limits, isManaged: false),
            hierarchies)
        do throws(Failure) {
            try maker.reach(beyond: self)
            try maker.made.follow(self)
        } catch {
            // A cgroup that has processes by now stays; it has no limits.
            try? maker.made.remove()
            throw error
        }
        paths += maker.made.paths
        parents += maker.made.parents
    }

    /// Where it lies below a mount point: the same in every hierarchy that is added.
    private func inner(_ hierarchies: Hierarchies) -> String? {
        guard let main = mainDirectory else { return nil }
        let mountPoint =
            main == version2
            ? hierarchies.version2?.mountPoint
            : hierarchies.version1.first { hierarchy in
                main.hasPrefix(hierarchy.mountPoint + "/")
            }?.mountPoint
        guard let mountPoint, main.hasPrefix(mountPoint + "/") else { return nil }
        return String(main.dropFirst(mountPoint.count))
    }

    /// Takes in every process of another cgroup of the same container.
    private func follow(_ other: ControlGroup) throws(Failure) {
        if paths.isEmpty { return }
        var seen: Set<Int32> = []
        while true {
            // Those that were made meanwhile by some that were not in yet.
            let fresh = try other.processes().filter { $0 > 0 && seen.insert($0).inserted }
            if fresh.isEmpty { return }
            for process in fresh {
                do throws(Failure) {
                    try enter(process: process, isInVersion2: false)
                } catch  where error.kind == .gone {
                    continue
                }
            }
        }
    }
}
