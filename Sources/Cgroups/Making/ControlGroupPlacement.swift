internal import LinuxSystem
internal import OCISpec

/// In which hierarchies a container gets a cgroup.
struct ControlGroupPlacement {
    private(set) var version1: [Hierarchies.Hierarchy] = []
    /// With the controllers to be switched on there, by their names in version 2.
    private(set) var version2:
        (hierarchy: Hierarchies.Hierarchy, needed: [String], wanted: [String])?
    /// The mount points of the hierarchies in which no limit, device or command needs it.
    private(set) var covering: [String] = []

    /// - Throws: For a controller that the host does not have.
    init(_ request: ControlGroupRequest, _ hierarchies: Hierarchies) throws(Failure) {
        let resources = request.resources
        for controller in resources.controllers + (request.limitsDevices ? ["devices"] : []) {
            if !add(controller, hierarchies, needed: true) {
                throw Failure(MissingController(controller, hierarchies).sentence)
            }
        }
        for assignment in try Version2.unified(resources, hierarchies) {
            _ = addVersion2(assignment.controller, hierarchies, needed: true)
        }
        if request.isCounted { count(hierarchies) }
        if request.isManaged {
            for controller in ["freezer", "cpu", "cpuacct", "memory", "pids", "blkio"] {
                _ = add(controller, hierarchies, needed: false)
            }
            if !hierarchies.version1.isEmpty { cover(hierarchies) }
            // A container engine may run in it, which limits its own containers. systemd does
            // so itself for what it delegates.
            if version2 != nil && request.unit == nil {
                for controller in hierarchies.version2?.controllers ?? [] {
                    _ = addVersion2(controller, hierarchies, needed: false)
                }
            }
        }
    }

    /// With version 1 a process is in a cgroup of each hierarchy, and shows the place of each: in
    /// one where the container has none of its own it would be in the caller's.
    private mutating func cover(_ hierarchies: Hierarchies) {
        for hierarchy in hierarchies.version1 where !version1.contains(hierarchy) {
            version1.append(hierarchy)
            covering.append(hierarchy.mountPoint)
        }
        if version2 == nil, let hierarchy = hierarchies.version2 {
            version2 = (hierarchy, [], [])
            covering.append(hierarchy.mountPoint)
        }
    }

    /// Version 2 counts processor time without a controller.
    private mutating func count(_ hierarchies: Hierarchies) {
        if let hierarchy = hierarchies.version1(with: "cpuacct") {
            if !version1.contains(hierarchy) { version1.append(hierarchy) }
        } else if version2 == nil, let hierarchy = hierarchies.version2 {
            version2 = (hierarchy, [], [])
        }
    }

    private mutating func add(
        _ controller: String, _ hierarchies: Hierarchies, needed: Bool
    ) -> Bool {
        if let hierarchy = hierarchies.version1(with: controller) {
            if !version1.contains(hierarchy) { version1.append(hierarchy) }
            return true
        }
        let name = Version2.name(controller)
        return hierarchies.version2Offers(name) && addVersion2(name, hierarchies, needed: needed)
    }

    /// Joins the hierarchies that systemd keeps its units in: there has to be a process, or it
    /// takes the unit for ended.
    ///
    /// - Parameter there: As the anchor is in them.
    /// - Returns: The scope's path in each hierarchy.
    mutating func follow(
        _ unit: SystemdUnit, _ there: Hierarchies, _ hierarchies: Hierarchies
    ) -> String? {
        func isScope(_ path: String) -> Bool { path.hasSuffix("/" + unit.name) }
        let named = there.version1.first { $0.controllers == ["name=systemd"] }
        if let named, isScope(named.own),
            !version1.contains(where: { $0.controllers == ["name=systemd"] })
        {
            version1 += hierarchies.version1.filter { $0.controllers == ["name=systemd"] }
        }
        if let version2 = there.version2, isScope(version2.own) {
            self.version2 = self.version2 ?? hierarchies.version2.map { ($0, [], []) }
            return version2.own
        }
        return named.flatMap { isScope($0.own) ? $0.own : nil }
    }

    private mutating func addVersion2(
        _ name: String, _ hierarchies: Hierarchies, needed: Bool
    ) -> Bool {
        guard let hierarchy = hierarchies.version2 else { return false }
        var place = version2 ?? (hierarchy, [], [])
        // The files that every cgroup has need no controller.
        if hierarchy.controllers.contains(name), !place.needed.contains(name) {
            place.wanted.removeAll { $0 == name }
            if needed {
                place.needed.append(name)
            } else {
                place.wanted.append(name)
            }
        }
        version2 = place
        return true
    }
}
