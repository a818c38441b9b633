internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// What a container is doing, in the specification's words and `paused`.
public enum ContainerStatus: String, Sendable, Hashable {
    case creating, created, running, stopped, paused
}

/// What is known of a container, as it is kept in `state.json`.
///
///     {"ociVersion": "1.3.0", "id": "web", "pid": 4711, "startTime": 815, "boot": "8a…",
///      "bundle": "/bundles/web", "rootfs": "/bundles/web/rootfs", "created": "2026-…Z",
///      "owner": 0, "creator": [4700, 812], "namespaces": 1946288128,
///      "cgroup": [["memory", "/sys/fs/cgroup/memory/web"]], "annotations": {}}
struct ContainerState: Sendable {
    var id: String
    /// The init process; nil before there is one.
    var process: ProcessIdentity?
    /// The runtime process that creates it.
    var creator: ProcessIdentity?
    /// The kernel's name for the run of the machine that the processes belong to.
    var boot: String
    var ociVersion: String
    var bundle: String
    var rootfs: String
    var created: String
    var owner: UInt32
    /// The namespaces that are not the host's, as `setns` takes them.
    var namespaces: UInt64
    /// Whether all its processes end with its first.
    var ownsProcesses = true
    /// Hierarchy and directory.
    var cgroup: [(controllers: String, path: String)]
    /// The same before it is made: it may be there or not, and be anybody's.
    var announcedCgroup: [(controllers: String, path: String)] = []
    var annotations: [(key: String, value: String)]
    /// The kinds of hooks that its config has.
    var hooks: [Configuration.Hooks.Kind] = []

    /// Read by another version, or not by us at all: nil.
    init?(_ value: JSONValue) {
        guard let id = value["id"]?.string, let bundle = value["bundle"]?.string else {
            return nil
        }
        self.id = id
        self.bundle = bundle
        ociVersion = value["ociVersion"]?.string ?? ""
        boot = value["boot"]?.string ?? ""
        rootfs = value["rootfs"]?.string ?? ""
        created = value["created"]?.string ?? ""
        owner = value["owner"]?.integer(UInt32.self) ?? 0
        namespaces = value["namespaces"]?.integer(UInt64.self) ?? 0
        ownsProcesses = value["ownsProcesses"]?.bool ?? true
        process = ContainerState.identity(value["process"])
        creator = ContainerState.identity(value["creator"])
        // Where nobody has the number, nothing is left. Of an earlier run of the machine nothing is
        // left either, whoever has it now.
        if let one = process ?? creator, !one.isNumberTaken || boot != ContainerState.currentBoot {
            process = nil
            creator = nil
        }
        cgroup = ContainerState.places(value["cgroup"])
        announcedCgroup = ContainerState.places(value["announcedCgroup"])
        hooks = (value["hooks"]?.elements ?? []).compactMap {
            $0.string.flatMap(Configuration.Hooks.Kind.init)
        }
        annotations = (value["annotations"]?.members ?? []).map {
            ($0.key.string ?? "", $0.value.string ?? "")
        }
    }

    init(
        id: String, bundle: String, rootfs: String, ociVersion: String,
        annotations: [(key: String, value: String)]
    ) {
        self.id = id
        self.bundle = bundle
        self.rootfs = rootfs
        self.ociVersion = ociVersion
        self.annotations = annotations
        boot = ContainerState.currentBoot
        created = Clock.timestamp
        owner = Credentials.effectiveUser
        namespaces = 0
        cgroup = []
        creator = CurrentProcess.identity
    }

    private static func places(
        _ value: JSONValue?
    ) -> [(controllers: String, path: String)] {
        (value?.elements ?? []).compactMap {
            let parts = $0.elements
            guard parts.count == 2, let name = parts[0].string, let path = parts[1].string else {
                return nil
            }
            return (name, path)
        }
    }

    private static func identity(_ value: JSONValue?) -> ProcessIdentity? {
        guard let parts = value?.elements, parts.count == 2,
            let pid = parts[0].integer(Int32.self), let start = parts[1].integer(UInt64.self)
        else { return nil }
        return ProcessIdentity(pid: pid, startTime: start)
    }

    /// After a restart another process may have both the pid and the start time of one of before.
    static let currentBoot: String = {
        let bytes = (try? HostPath.read("/proc/sys/kernel/random/boot_id")) ?? []
        return String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)
    }()

    var encoded: [UInt8] {
        func pair(_ process: ProcessIdentity?) -> JSONOutput {
            guard let process else { return .null }
            return .array([.integer(Int64(process.pid)), .unsigned(process.startTime)])
        }
        func places(_ paths: [(controllers: String, path: String)]) -> JSONOutput {
            .array(paths.map { .array([.string($0.controllers), .string($0.path)]) })
        }
        let object = JSONOutput.object([
            ("ociVersion", .string(ociVersion)), ("id", .string(id)), ("process", pair(process)),
            ("creator", pair(creator)), ("boot", .string(boot)), ("bundle", .string(bundle)),
            ("rootfs", .string(rootfs)), ("created", .string(created)),
            ("owner", .unsigned(UInt64(owner))), ("namespaces", .unsigned(namespaces)),
            ("ownsProcesses", .bool(ownsProcesses)),
            ("cgroup", places(cgroup)), ("announcedCgroup", places(announcedCgroup)),
            ("hooks", .array(hooks.map { .string($0.rawValue) })),
            ("annotations", .object(annotations.map { ($0.key, .string($0.value)) })),
        ])
        return Array(object.compactText.utf8)
    }

    /// The state of runtime.md, what hooks get on standard input.
    ///
    /// - Parameter pid: As seen by whoever reads it; nil leaves it out.
    func document(_ status: ContainerStatus, pid: Int32?) -> JSONOutput {
        var members: [(key: String, value: JSONOutput)] = [
            ("ociVersion", .string(ociVersion)), ("id", .string(id)),
            ("status", .string(status.rawValue)),
        ]
        if let pid { members.append(("pid", .integer(Int64(pid)))) }
        members.append(("bundle", .string(bundle)))
        if !annotations.isEmpty {
            members.append(
                ("annotations", .object(annotations.map { ($0.key, .string($0.value)) })))
        }
        return .object(members)
    }
}
