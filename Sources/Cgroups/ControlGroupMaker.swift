public import LinuxSystem
internal import SystemPackage

/// A cgroup to be made.
public struct ControlGroupRequest: Sendable {
    /// `linux.cgroupsPath`.
    public var path: String?
    /// Of the cgroup where there is no path: the container's id.
    public var name: String
    public var resources: Resources
    /// Whether commands will pause, list and measure the container: then it has a cgroup in the
    /// hierarchies that take, and a policy for devices, even when the config asks for nothing.
    public var isManaged: Bool
    /// Of one that is managed. Only root of the machine may have a policy.
    public var policesDevices = true
    /// Set when systemd is to make it: then `path` is not looked at.
    public var unit: SystemdUnitRequest?

    public init(
        path: String?, name: String, resources: Resources, isManaged: Bool,
        unit: SystemdUnitRequest? = nil
    ) {
        self.unit = unit
        self.path = path
        self.name = name
        self.resources = resources
        self.isManaged = isManaged
    }
}

extension ControlGroupRequest {
    fileprivate var managesDevices: Bool { isManaged && policesDevices }
}

extension ControlGroup {
    /// Makes the cgroup and applies its limits; removes what it has made when something fails.
    ///
    /// - Parameter announce: Is told where it will be before anything is there.
    public static func make(
        _ request: ControlGroupRequest,
        announce: ([(controllers: String, path: String)]) throws(ControlGroupError) -> Void = {
            _ in
        }
    ) throws(ControlGroupError) -> ControlGroup {
        let isAbsolute = request.path?.hasPrefix("/") == true
        // A limit finds out whether its controller is there; what is only wanted does not.
        if request.unit == nil,
            let guess = Hierarchies.unified(
                readsOwn: !isAbsolute, readsControllers: request.isManaged)
        {
            do throws(ControlGroupError) {
                return try make(request, guess, isGuess: true, announce)
            } catch {
                // Whatever else is wrong is told by what there really is.
                if error.isTaken { throw error }
            }
        }
        return try make(request, try Hierarchies.reading(), isGuess: false, announce)
    }

    private static func make(
        _ request: ControlGroupRequest, _ hierarchies: Hierarchies, isGuess: Bool,
        isAgain: Bool = false,
        _ announce: ([(controllers: String, path: String)]) throws(ControlGroupError) -> Void
    ) throws(ControlGroupError) -> ControlGroup {
        var maker = ControlGroupMaker(request, hierarchies, isGuess: isGuess)
        do throws(ControlGroupError) {
            try maker.make(announce)
        } catch {
            let isRemoved = (error.kind == .removed) || maker.made.isMissing
            // The first error is what counts; a directory that cannot be removed was not made.
            try? maker.made.remove()
            if isRemoved && !isAgain && request.unit == nil {
                return try make(
                    request, hierarchies, isGuess: isGuess, isAgain: true, announce)
            }
            throw error
        }
        return maker.made
    }

    /// Whether one of its directories is not there any more. Others tidy empty cgroups away, and it
    /// is empty until its first process is in it.
    var isMissing: Bool {
        paths.contains { _, path in
            do throws(Errno) {
                _ = try FileStatus.of(path: path)
                return false
            } catch {
                return error == .noSuchFileOrDirectory
            }
        }
    }

    /// Which of these directories, and of those on the way to them, are not there, the deepest first.
    public static func missing(_ paths: [(controllers: String, path: String)]) -> [String] {
        var missing: [String] = []
        for (_, place) in paths {
            var path = place
            while path != "/", ControlGroup(paths: [("", path)]).isMissing {
                missing.append(path)
                path = ControlGroupPath.parent(of: path)
            }
        }
        return missing
    }

    /// Makes anew what others have removed of it before there was a process in it, limits and all.
    ///
    /// - Parameter request: By which it was made.
    /// - Returns: Nil where nothing of it is missing.
    public func restored(
        _ request: ControlGroupRequest
    ) throws(ControlGroupError) -> ControlGroup? {
        if unit != nil || request.unit != nil || !isMissing { return nil }
        var maker = ControlGroupMaker(request, try Hierarchies.reading(), restoring: self)
        try maker.make { _ in }
        return maker.made
    }

    /// Removes what remains of runs that were killed beside this one, whose names begin with
    /// `prefix` and go on with a digit.
    public func removeLeftovers(_ prefix: String) {
        for (_, path) in paths {
            ControlGroupMaker.removeLeftovers(
                prefix, in: ControlGroupPath.parent(of: path), except: path)
        }
    }

    /// Removes what may have been announced and never made, or made and never used, parents too:
    /// nothing that has processes or that another process holds.
    public func removeLeftovers() {
        for (_, path) in paths { ControlGroupMaker.removeLeftover(path) }
        for parent in parents.reversed() { ControlGroupMaker.removeLeftover(parent) }
    }
}

struct ControlGroupMaker {
    private let request: ControlGroupRequest
    private let hierarchies: Hierarchies
    private(set) var made = ControlGroup(paths: [])
    /// Where systemd has put it, in every hierarchy.
    private var scope: String?

    /// Whether the controllers that limits need are taken to be switched on: as a rule they are, and
    /// where not their files are missing.
    private let isGuess: Bool

    /// What is there already, and this process's own.
    private let restored: ControlGroup?

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
        _ announce: ([(controllers: String, path: String)]) throws(ControlGroupError) -> Void
    ) throws(ControlGroupError) {
        let devices = try policy
        var places = try Places(request, hierarchies)
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
        for hierarchy in places.version1 { try make(hierarchy) }
        if let (hierarchy, needed, wanted) = places.version2 {
            try make(hierarchy, needed, wanted)
        }
        try made.apply(request.resources, hierarchies)
        if let devices { try made.apply(devices: devices) }
        try made.makeRoomForAnchor(request.resources)
    }

    /// Makes the cgroups that a container's limits need and that it does not have yet.
    mutating func reach(beyond group: ControlGroup) throws(ControlGroupError) {
        let places = try Places(request, hierarchies)
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
    private mutating func make(_ hierarchy: Hierarchies.Hierarchy) throws(ControlGroupError) {
        let inner = inner(hierarchy, isVersion2: false)
        try makeAndTake(hierarchy, inner, hierarchy.controllers.joined(separator: ","))
        if hierarchy.controllers.contains("cpuset") {
            try ControlGroupMaker.inherit(hierarchy.mountPoint, inner)
        }
    }

    /// In version 2.
    private mutating func make(
        _ hierarchy: Hierarchies.Hierarchy, _ needed: [String], _ wanted: [String]
    ) throws(ControlGroupError) {
        let path = hierarchy.path(inner(hierarchy, isVersion2: true))
        try makeAndTake(hierarchy, inner(hierarchy, isVersion2: true), "")
        if isGuess && wanted.isEmpty { return }
        try ControlGroupMaker.handDown(needed, wanted, hierarchy.mountPoint, path)
    }

    private var policy: DevicePolicy? {
        get throws(ControlGroupError) {
            guard let rules = request.resources.devices ?? (request.managesDevices ? [] : nil)
            else {
                return nil
            }
            return try DevicePolicy(rules, standard: DeviceRule.standard)
        }
    }

    /// The scope, and where systemd has put it.
    private mutating func start(
        _ unit: SystemdUnitRequest, _ devices: DevicePolicy?, _ places: inout Places
    ) throws(ControlGroupError) {
        let anchor = try ControlGroup.startUnit(
            unit, request.resources, devices: devices, hierarchies)
        made.anchor = anchor
        made.unit = unit.unit
        do throws(SystemCallError) {
            scope = try places.follow(unit.unit, Hierarchies.read(of: anchor.pid), hierarchies)
        } catch {
            throw error
        }
        if scope == nil {
            throw ControlGroupError(
                "systemd has put \"\(unit.unit.name)\" into no cgroup that is mounted here")
        }
    }

    private func inner(_ hierarchy: Hierarchies.Hierarchy, isVersion2: Bool) -> String {
        if let scope { return scope }
        return ControlGroupPath.inside(
            hierarchy, isVersion2: isVersion2, path: request.path, name: request.name)
    }

    /// Nothing here is an error: whatever stays does no harm.
    fileprivate static func removeLeftovers(
        _ prefix: String, in directory: String, except own: String
    ) {
        for name in (try? HostPath.directories(in: directory)) ?? []
        where name.hasPrefix(prefix) && name.dropFirst(prefix.count).first?.isNumber == true {
            let path = "\(directory)/\(name)"
            if path != own { ControlGroupMaker.removeLeftover(path) }
        }
    }

    /// A run that lives holds its cgroup, and the kernel keeps what has processes.
    fileprivate static func removeLeftover(_ path: String) {
        if let held = try? HostPath.open(path, [.readOnly, .directory]),
            (try? held.borrowed.lock(exclusive: true)) != nil
        {
            try? HostPath.removeDirectory(path)
        }
    }

    /// Makes what is missing of a path, and takes the cgroup at its end.
    private mutating func makeAndTake(
        _ hierarchy: Hierarchies.Hierarchy, _ inner: String, _ controllers: String
    ) throws(ControlGroupError) {
        let path = hierarchy.path(inner)
        // As a rule only the last one is missing.
        var outcome = try ControlGroupMaker.makeDirectory(path)
        if outcome == .parentIsMissing {
            for parent in ControlGroupPath.way(from: hierarchy.mountPoint, to: inner)
                .dropFirst().dropLast()
            where try ControlGroupMaker.makeDirectory(parent) == .made {
                if !made.parents.contains(parent) { made.parents.append(parent) }
            }
            outcome = try ControlGroupMaker.makeDirectory(path)
        } else if outcome == .isThere, request.path == nil, scope == nil {
            // Left behind by a run that was killed: its limits are not this one's.
            ControlGroupMaker.removeLeftover(path)
            outcome = try ControlGroupMaker.makeDirectory(path)
        }
        if outcome == .isThere, let restored, restored.paths.contains(where: { $0.path == path }) {
            made.holds += restored.holds.filter { $0.path == path }
            made.paths.append((controllers, path))
            return
        }
        try take(path, controllers, isNew: outcome == .made)
    }

    private enum Outcome {
        case made
        case isThere
        case parentIsMissing
    }

    private static func makeDirectory(_ path: String) throws(ControlGroupError) -> Outcome {
        do throws(Errno) {
            try HostPath.makeDirectory(path, mode: 0o755)
            return .made
        } catch .fileExists {
            return .isThere
        } catch .noSuchFileOrDirectory {
            return .parentIsMissing
        } catch {
            let advice: String? =
                switch error {
                case .readOnlyFileSystem: "the host's cgroups are mounted read-only here"
                case .resourceTemporarilyUnavailable:
                    "cgroup.max.descendants or cgroup.max.depth of a cgroup above is reached"
                default: nil
                }
            throw ControlGroupError(SystemCallError("mkdir", "\"\(path)\"", error), advice)
        }
    }

    /// Makes sure that nobody else is in the cgroup, or takes it at the same time.
    ///
    /// - Parameter isNew: Made by this process, so that nobody can be in it, nor has frozen it.
    private mutating func take(
        _ path: String, _ controllers: String, isNew: Bool
    ) throws(ControlGroupError) {
        let hold: ControlGroup.Hold
        do throws(ControlGroupError) {
            hold = try self.hold(path)
        } catch {
            // Nobody else has it yet. The first error is what counts.
            if isNew && !error.isTaken { try? HostPath.removeDirectory(path) }
            throw error
        }
        if !isNew { try requireNobody(in: path, controllers) }
        // From here on it is the container's, and goes with it.
        made.holds.append(hold)
        made.paths.append((controllers, path))
    }

    /// Keeps others from taking the cgroup.
    private func hold(_ path: String) throws(ControlGroupError) -> ControlGroup.Hold {
        let directory: OwnedDescriptor
        do throws(Errno) {
            directory = try HostPath.open(path, [.readOnly, .directory])
        } catch .noSuchFileOrDirectory {
            throw removed(path)
        } catch {
            throw ControlGroupError(SystemCallError("open", "\"\(path)\"", error))
        }
        do throws(Errno) {
            try directory.borrowed.lock(exclusive: true)
            // The one who held it may have removed it.
            guard try FileStatus.of(directory.borrowed).inode == FileStatus.of(path: path).inode
            else { throw .wouldBlock }
        } catch .wouldBlock {
            throw ControlGroupError(
                "the cgroup \"\(path)\" is taken by another container; name another in"
                    + " linux.cgroupsPath", .taken)
        } catch .noSuchFileOrDirectory {
            throw removed(path)
        } catch {
            throw ControlGroupError(SystemCallError("flock", "\"\(path)\"", error))
        }
        return ControlGroup.Hold(directory, path: path)
    }

    /// One who tidies empty cgroups away has done so before there was a process in it.
    private func removed(_ path: String) -> ControlGroupError {
        var failure = ControlGroupError(
            "the cgroup \"\(path)\" was removed while it was being made", .taken)
        failure.kind = .removed
        return failure
    }

    private func requireNobody(
        in path: String, _ controllers: String
    ) throws(ControlGroupError) {
        let found = ControlGroup(paths: [(controllers, path)])
        let processes: [Int32]
        do throws(SystemCallError) {
            processes = try found.processes()
        } catch {
            throw error
        }
        if processes.contains(where: { $0 != made.anchor?.pid }) {
            throw ControlGroupError(
                "container's cgroup is not empty: \(processes.count) process(es) found in"
                    + " \"\(path)\"; name another in linux.cgroupsPath", .taken)
        }
        let isFreezer = controllers.isEmpty || controllers.split(separator: ",").contains("freezer")
        if isFreezer && found.isFrozen {
            throw ControlGroupError(
                "container's cgroup unexpectedly frozen: \"\(path)\"; thaw it or name another in"
                    + " linux.cgroupsPath", .taken)
        }
    }

    /// A new cgroup of cpuset in version 1 has neither processors nor memory, and takes no process
    /// so: it gets those of the one above, which may be as new.
    private static func inherit(
        _ mountPoint: String, _ inner: String
    ) throws(ControlGroupError) {
        if inner == "/" { return }
        let way = ControlGroupPath.way(from: mountPoint, to: inner)
        for file in ["cpuset.cpus", "cpuset.mems"] {
            // The nearest one above that has something.
            var from = way.count - 1
            var value = ""
            while from >= 0, value.isEmpty {
                value = GroupFile.read(way[from], file) ?? ""
                if value.isEmpty { from -= 1 }
            }
            if value.isEmpty { continue }
            for path in way.dropFirst(from + 1) {
                try group("write", "\(path)/\(file)") { () throws(Errno) in
                    try GroupFile.write(path, file, value)
                }
            }
        }
    }

    /// Switches controllers on, in version 2, in every cgroup above the container's own, so that
    /// this has them.
    private static func handDown(
        _ needed: [String], _ wanted: [String], _ mountPoint: String, _ path: String
    ) throws(ControlGroupError) {
        if needed.isEmpty && wanted.isEmpty { return }
        // As a rule they are on.
        let there = GroupFile.words(path, "cgroup.controllers")
        if needed.allSatisfy(there.contains) && wanted.allSatisfy(there.contains) { return }
        let way = ControlGroupPath.way(
            from: mountPoint, to: String(path.dropFirst(mountPoint.count)))
        for path in way.dropLast() { try handOn(needed, wanted, path) }
    }

    /// Switches controllers on for the cgroups below `path`, in version 2.
    ///
    /// - Parameters:
    ///   - needed: A limit does not hold without.
    ///   - wanted: For figures, and for what divides its own cgroup; does without.
    private static func handOn(
        _ needed: [String], _ wanted: [String], _ path: String
    ) throws(ControlGroupError) {
        let there = GroupFile.words(path, "cgroup.controllers")
        let on = GroupFile.words(path, "cgroup.subtree_control")
        for controller in needed + wanted where !on.contains(controller) {
            let isNeeded = needed.contains(controller)
            if !there.contains(controller) {
                if !isNeeded { continue }
                throw ControlGroupError(
                    "the controller \(controller) is missing in \"\(path)/cgroup.controllers\":"
                        + " the cgroup above does not hand it on; remove the limit, or name"
                        + " another place in linux.cgroupsPath")
            }
            do throws(Errno) {
                try GroupFile.write(path, "cgroup.subtree_control", "+" + controller)
            } catch {
                if !isNeeded { continue }
                let advice: String? =
                    switch error {
                    case .resourceBusy:
                        "it has processes of its own, and so can hand no controller on; name another"
                            + " place in linux.cgroupsPath"
                    case .permissionDenied, .notPermitted:
                        "the controller \(controller) was not handed over to this user"
                    default: nil
                    }
                throw ControlGroupError(
                    SystemCallError(
                        "write", "\"+\(controller)\" to \"\(path)/cgroup.subtree_control\"", error),
                    advice)
            }
        }
    }
}

/// In which hierarchies a container gets a cgroup.
struct Places {
    private(set) var version1: [Hierarchies.Hierarchy] = []
    /// With the controllers to be switched on there, by their names in version 2.
    private(set) var version2:
        (hierarchy: Hierarchies.Hierarchy, needed: [String], wanted: [String])?

    /// - Throws: For a controller that the host does not have.
    init(_ request: ControlGroupRequest, _ hierarchies: Hierarchies) throws(ControlGroupError) {
        let resources = request.resources
        let policesDevices = resources.devices != nil || request.managesDevices
        for controller in resources.controllers + (policesDevices ? ["devices"] : []) {
            if !add(controller, hierarchies, needed: true) {
                throw ControlGroupError(MissingController(controller, hierarchies).sentence)
            }
        }
        for assignment in try Version2.unified(resources, hierarchies) {
            _ = addVersion2(assignment.controller, hierarchies, needed: true)
        }
        if request.isManaged {
            for controller in ["freezer", "cpu", "cpuacct", "memory", "pids", "blkio"] {
                _ = add(controller, hierarchies, needed: false)
            }
            // What runs in it may be an engine, which gives its own containers limits. systemd does
            // so itself for what it delegates.
            if version2 != nil && request.unit == nil {
                for controller in hierarchies.version2?.controllers ?? [] {
                    _ = addVersion2(controller, hierarchies, needed: false)
                }
            }
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
        // What every cgroup has needs no switching on.
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
