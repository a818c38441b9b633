internal import ContainerRuntime
internal import Explain
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import Seccomp

/// A config.json, explained from the plan of its start.
struct PlannedExplanation {
    private(set) var explanation: Explanation
    private let configuration: Configuration
    private let places: ConfigPlaces

    init(_ arguments: ParsedArguments) throws(Failure) {
        let named = try NamedConfig(arguments)
        configuration = try PlannedExplanation.build(named.document, named)
        places = ConfigPlaces(named.document, file: named.file)
        explanation = Explanation(title: named.file)
        explanation.isPlanned = true
        explanation.places = places
        addNamespaces()
        addProcess()
        addMounts()
        addLimits(named.document.root)
        explanation.seccomp.mode = SeccompFacts.Mode.none
        if let profile = try NamedProfile(
            of: named.document, file: named.file, bundle: named.bundle)
        {
            explanation.seccomp.mode = .filter
            explanation.seccomp.take(try profile.stack, profile.place(profile.profile.offset))
        }
        if configuration.userNamespace == nil { addChange(named) }
    }

    private static func build(
        _ document: JSONDocument, _ named: NamedConfig
    ) throws(Failure) -> Configuration {
        do {
            return try ConfigurationBuilder.build(
                document, file: named.file, bundle: named.bundle, named.invocation
            ).configuration
        } catch {
            throw Failure(error.diagnostics.map(\.text))
        }
    }

    private mutating func addNamespaces() {
        for kind in NamespaceKind.all {
            let joined = configuration.namespaces.joined.first { $0.value.kind == kind.flag }
            let isOwn = configuration.namespaces.new.value.contains(kind.flag)
            explanation.namespaces.append(
                NamespaceFact(
                    kind: kind.name, isOwn: joined == nil ? isOwn : nil,
                    place: places.namespace(kind.name)
                        ?? (isOwn ? nil : places.place("linux", "namespaces")),
                    joined: joined?.value.path))
        }
    }

    private mutating func addProcess() {
        let process = configuration.process
        explanation.identity.user = process.user.value.userID
        explanation.identity.group = process.user.value.groupID
        explanation.identity.place = places.place("process", "user")
        if let mappings = configuration.userNamespace?.mappings?.value {
            explanation.identity.users = mappings.users.ranges
            explanation.identity.groups = mappings.groups.ranges
        }
        explanation.capabilities.sets = process.capabilities.value
        explanation.capabilities.place = places.place("process", "capabilities")
        explanation.security.noNewPrivileges = process.noNewPrivileges.value
        explanation.security.place = places.place("process", "noNewPrivileges")
        for (module, label) in [
            ("apparmor", process.appArmorProfile), ("selinux", process.label),
        ] {
            guard let label else { continue }
            explanation.security.labels.append(.init(module: module, text: label.value))
        }
    }

    private mutating func addMounts() {
        var all: [MountFacts.Mount] = []
        func add(_ mount: MountFacts.Mount) {
            var mount = mount
            mount.depth = all.filter { mount.point.lies(below: $0.point) }.count
            mount.place = places.mount(mount.point)
            mount.reason = places.readOnlyReason(mount.point)
            all.append(mount)
        }
        let isReadOnly = configuration.root.isReadOnly.value
        let root: (type: String, source: String) =
            switch configuration.root.source {
            case .directory(let path): ("bind", path.value)
            case .overlay(let overlay):
                ("overlay", overlay.layers.map(\.value).joined(separator: ":"))
            }
        add(
            .init(
                point: "/", type: root.type, source: root.source, options: [],
                isReadOnly: isReadOnly))
        for mount in configuration.mounts { add(.init(planned: mount)) }
        for path in configuration.maskedPaths {
            add(
                .init(
                    point: path.value, type: "masked", source: "", options: ["ro"], isReadOnly: true
                ))
        }
        for path in configuration.readonlyPaths {
            add(
                .init(
                    point: path.value, type: "bind", source: "itself", options: ["ro"],
                    isReadOnly: true))
        }
        explanation.mounts.all = all
    }

    private mutating func addLimits(_ root: JSONValue) {
        let resources = root["linux"]?["resources"]
        let memory = resources?["memory"]?["limit"]?.integer(Int64.self) ?? 0
        if memory > 0 {
            explanation.limits.append(
                LimitFact(
                    "memory", UInt64(memory), use: nil, .bytes,
                    place: places.place("linux", "resources", "memory", "limit")))
        }
        let pids = resources?["pids"]?["limit"]?.integer(Int64.self) ?? 0
        if pids > 0 {
            explanation.limits.append(
                LimitFact(
                    "pids", UInt64(pids), use: nil, .count,
                    place: places.place("linux", "resources", "pids", "limit")))
        }
        let quota = resources?["cpu"]?["quota"]?.integer(Int64.self) ?? 0
        let period = resources?["cpu"]?["period"]?.integer(Int64.self) ?? 100_000
        if quota > 0 && period > 0 {
            explanation.limits.append(
                LimitFact(
                    "cpu", UInt64(quota) &* 1000 / UInt64(period), use: nil, .processors,
                    place: places.place("linux", "resources", "cpu", "quota")))
        }
    }
}

extension PlannedExplanation {
    /// Ids that neither systemd nor /etc/subuid gives away, as `spec --one-shot` has them.
    private static let hostID: Int64 = 1_879_048_192

    /// The same config with a user namespace.
    private static func withUserNamespace(_ root: JSONValue) -> JSONOutput {
        func adding(_ key: String, _ value: JSONOutput, to object: JSONOutput) -> JSONOutput {
            guard case .object(let members) = object else { return object }
            return .object(members.filter { $0.key != key } + [(key, value)])
        }
        let mapping: JSONOutput = [
            ["containerID": 0, "hostID": .integer(hostID), "size": 65536]
        ]
        var linux = root["linux"].map { JSONOutput($0) } ?? .object([])
        var namespaces = (root["linux"]?["namespaces"]?.elements ?? []).map { JSONOutput($0) }
        namespaces.append(["type": "user"])
        linux = adding("namespaces", .array(namespaces), to: linux)
        linux = adding("uidMappings", mapping, to: linux)
        linux = adding("gidMappings", mapping, to: linux)
        return adding("linux", linux, to: JSONOutput(root))
    }

    private mutating func addChange(_ named: NamedConfig) {
        let user = configuration.process.user.value.userID
        let count = configuration.process.capabilities.value.bounding.count
        let rules = [
            "uid \(user) of the container becomes uid \(Int64(user) + PlannedExplanation.hostID) of"
                + " the host, if ids from \(PlannedExplanation.hostID) on are mapped: what gets out"
                + " owns nothing there.",
            "Its \(count) capabilities count for what its user namespace owns: for its own mounts,"
                + " network and processes, and for nothing of the host.",
            "Files of ids that are not mapped belong to 65534, and it has no right to them: what it"
                + " binds from the host needs other owners, or an id-mapped mount.",
            "It cannot make device nodes, load modules, set the clock, or mount block devices.",
        ]
        var change = UserNamespaceChange(rules: rules, added: [], removed: [], refusals: [])
        defer { explanation.change = change }
        guard
            let document = try? PlannedExplanation.withUserNamespace(named.document.root).document
        else { return }
        do throws(Failure) {
            let other = try PlannedExplanation.build(document, named)
            let before = try steps(configuration, named.document, named)
            let after = try steps(other, document, named)
            change.added = after.filter { !before.contains($0) }
            change.removed = before.filter { !after.contains($0) }
        } catch {
            change.refusals = error.lines
        }
    }

    private func steps(
        _ configuration: Configuration, _ document: JSONDocument, _ named: NamedConfig
    ) throws(Failure) -> [String] {
        try Planner.plan(
            configuration, document: document, file: named.file,
            seccompCache: SeccompCache(directory: "/nonexistent")
        ).steps.map(\.step.summary)
    }
}

extension MountFacts.Mount {
    fileprivate init(planned mount: Configuration.Mount) {
        let options = mount.optionText.split(separator: ",").map(String.init)
        let isReadOnly = mount.set.union(mount.setRecursively).contains(.readOnly)
        var (type, source, root, isHosts) = ("", "", "/", false)
        switch mount.kind {
        case .bind(let path, _): (type, source, root, isHosts) = ("bind", "the host", path, true)
        case .copyOnWrite: (type, source) = ("overlay", "copy-on-write")
        case .fileSystem(let name, let device, _): (type, source) = (name, device ?? name)
        case .controlGroups: (type, source) = ("cgroup view", "cgroup view")
        case .remount: type = "remount"
        }
        self.init(
            point: mount.destination, type: type, root: root, source: source, options: options,
            isReadOnly: isReadOnly)
        self.isHosts = isHosts
    }
}
