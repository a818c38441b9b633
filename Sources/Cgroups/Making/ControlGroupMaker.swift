internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// Makes one cgroup: a directory in each hierarchy that it needs, with its limits.
struct ControlGroupMaker {
    let request: ControlGroupRequest
    let hierarchies: Hierarchies
    var made = ControlGroup(paths: [])
    /// Where systemd has put it, in every hierarchy.
    private(set) var scope: String?

    /// Whether the controllers that limits need are taken to be switched on: as a rule they are, and
    /// where not their files are missing.
    private let isGuess: Bool

    /// The cgroup that exists and belongs to this process.
    let restored: ControlGroup?

    init(
        _ request: ControlGroupRequest, _ hierarchies: Hierarchies, isGuess: Bool = false,
        restoring restored: ControlGroup? = nil
    ) {
        self.request = request
        self.hierarchies = hierarchies
        self.isGuess = isGuess
        self.restored = restored
        made.parents = restored?.parents ?? []
    }

    mutating func make(
        _ announce: ([(controllers: String, path: String)]) throws(Failure) -> Void
    ) throws(Failure) {
        let devices = try request.devicePolicy
        var places = try ControlGroupPlacement(request, hierarchies)
        if let unit = request.unit { try start(unit, devices, &places) }
        var announced = places.version1.map { hierarchy in
            (
                controllers: hierarchy.controllers.joined(separator: ","),
                path: hierarchy.path(inner(hierarchy, isVersion2: false))
            )
        }
        if let (hierarchy, _, _) = places.version2 {
            announced.append(("", hierarchy.path(inner(hierarchy, isVersion2: true))))
        }
        try announce(announced)
        for hierarchy in places.version1 {
            try cover(hierarchy, places) { (maker) throws(Failure) in try maker.make(hierarchy) }
        }
        if let (hierarchy, needed, wanted) = places.version2 {
            try cover(hierarchy, places) { (maker) throws(Failure) in
                try maker.make(hierarchy, needed, wanted)
            }
        }
        try made.apply(request.resources, hierarchies)
        if let devices { try made.apply(devices: devices) }
        try made.makeRoomForAnchor(request.resources)
    }

    /// What holds no limit a container does without where the kernel refuses it.
    private mutating func cover(
        _ hierarchy: Hierarchies.Hierarchy, _ places: ControlGroupPlacement,
        _ make: (inout ControlGroupMaker) throws(Failure) -> Void
    ) throws(Failure) {
        let before = made.paths.count
        do throws(Failure) {
            try make(&self)
        } catch {
            guard request.unit == nil, !error.isTaken,
                places.covering.contains(hierarchy.mountPoint)
            else { throw error }
            let isRefused =
                error.errno == .permissionDenied || error.errno == .notPermitted
                || error.errno == .readOnlyFileSystem
            // An ordinary user has none there as a rule.
            if request.policesDevices || !isRefused { made.passedOver.append(error.message) }
            while made.paths.count > before {
                let (_, path) = made.paths.removeLast()
                made.locks.removeAll { $0.path == path }
                // It has no process; where it cannot be removed it does no harm.
                try? HostPath.removeDirectory(path)
            }
        }
    }

    /// Makes the cgroups that a container's limits need and that it does not have yet.
    mutating func reach(beyond group: ControlGroup) throws(Failure) {
        let places = try ControlGroupPlacement(request, hierarchies)
        for hierarchy in places.version1 {
            let controllers = hierarchy.controllers.joined(separator: ",")
            if group.paths.contains(where: { $0.controllers == controllers }) { continue }
            try make(hierarchy)
        }
        guard let (hierarchy, needed, wanted) = places.version2 else { return }
        if let path = group.version2 {
            try ControlGroupMaker.handDown(needed, wanted, hierarchy.mountPoint, path)
        } else {
            try make(hierarchy, needed, wanted)
        }
    }

    /// In a hierarchy of version 1.
    private mutating func make(_ hierarchy: Hierarchies.Hierarchy) throws(Failure) {
        let inner = inner(hierarchy, isVersion2: false)
        let controllers = hierarchy.controllers.joined(separator: ",")
        try makeAndTake(hierarchy, inner, controllers)
        if inner != "/" { made.belowRoot.insert(controllers) }
        if hierarchy.controllers.contains("cpuset") {
            let own = Set(made.parents + made.paths.map(\.path))
            try ControlGroupMaker.inherit(hierarchy.mountPoint, inner, within: own)
        }
    }

    /// In version 2.
    private mutating func make(
        _ hierarchy: Hierarchies.Hierarchy, _ needed: [String], _ wanted: [String]
    ) throws(Failure) {
        let path = hierarchy.path(inner(hierarchy, isVersion2: true))
        try makeAndTake(hierarchy, inner(hierarchy, isVersion2: true), "")
        if isGuess && wanted.isEmpty { return }
        try ControlGroupMaker.handDown(needed, wanted, hierarchy.mountPoint, path)
    }

    /// The scope, and where systemd has put it.
    private mutating func start(
        _ unit: SystemdUnitRequest, _ devices: DevicePolicy?, _ places: inout ControlGroupPlacement
    ) throws(Failure) {
        let anchor = try ControlGroup.startUnit(
            unit, request.resources, devices: devices, hierarchies)
        made.anchor = anchor
        made.unit = unit.unit
        scope = try places.follow(unit.unit, Hierarchies.read(of: anchor.pid), hierarchies)
        if scope == nil {
            throw Failure(
                "systemd has put \"\(unit.unit.name)\" into no cgroup that is mounted here")
        }
    }

    private func inner(_ hierarchy: Hierarchies.Hierarchy, isVersion2: Bool) -> String {
        if let scope { return scope }
        return ControlGroupPath.inside(
            hierarchy, isVersion2: isVersion2, path: request.path, name: request.name)
    }
}
