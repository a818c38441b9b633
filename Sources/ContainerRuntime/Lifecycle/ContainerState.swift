internal import JSON
internal import Layers
internal import LinuxSystem
internal import SystemPackage

/// What a container is doing, in the specification's words and `paused`.
public enum ContainerStatus: String, Sendable, Hashable {
    case creating, created, running, stopped, paused
}

/// What is known of a container, as it is kept in `state.json`.
///
///     {"ociVersion": "1.3.0", "id": "web", "boot": "8a…", "bundle": "/bundles/web",
///      "rootfs": "/bundles/web/rootfs", "created": "2026-…Z", "owner": 0,
///      "namespaces": 1946288128, "process": [4711, 815], "creator": [4700, 812],
///      "cgroup": [["memory", "/sys/fs/cgroup/memory/web"]]}
struct ContainerState: Sendable {
    var id: String
    /// The init process; nil before there is one.
    var process: ProcessIdentity?
    /// The program's process beside an init; nil where the init process becomes the program.
    var program: ProcessIdentity?
    /// The runtime process that creates it.
    var creator: ProcessIdentity?
    var ociVersion: String
    var bundle: String
    var rootfs: String
    var created: String
    var owner: UInt32
    /// The namespaces that are not the host's, as `setns` takes them.
    var namespaces: UInt64
    /// Whether all its processes end with its first.
    var ownsProcesses = true
    /// Read from the text when it is asked for: most commands do not ask.
    var groups: ResourceGroups {
        get { changedGroups ?? source.map { ResourceGroups($0) } ?? ResourceGroups() }
        set { changedGroups = newValue }
    }
    private var changedGroups: ResourceGroups?
    private var source: JSONValue?
    /// The kernel's name for the run of the machine that the processes belong to.
    private var boot: String {
        get throws(Errno) {
            guard let source else { return try ProcessIdentity.currentBoot }
            return source["boot"]?.string ?? ""
        }
    }
    var annotations: [(key: String, value: String)]
    /// The pipes that its first process has got as standard streams, by their names in `/proc`; empty
    /// for other files.
    var streams: [String] = []
    /// The kinds of hooks that its config has.
    var hooks: [Configuration.Hooks.Kind] = []

    /// The process that is or becomes the program. The init hides itself: what is to be seen in
    /// /proc of a container is to be seen there.
    var programProcess: ProcessIdentity? { program ?? process }

    /// Written by another version, or not by this program at all: nil.
    ///
    /// - Throws: Which run of the machine this is cannot be read.
    init?(_ value: JSONValue) throws(Errno) {
        id = ""
        (bundle, ociVersion, rootfs, created) = ("", "", "", "")
        (owner, namespaces) = (0, 0)
        annotations = []
        source = value
        value.forEachMember { take($0, $1) }
        if id.isEmpty || bundle.isEmpty { return nil }
        // Where no process has the number, nothing is left. Of an earlier run of the machine nothing
        // is left either, though another process may have it now.
        guard let one = process ?? creator else { return }
        if try one.isNumberTaken {
            let (then, now) = (try boot, try ProcessIdentity.currentBoot)
            if then == now { return }
        }
        process = nil
        program = nil
        creator = nil
    }

    private mutating func take(_ key: JSONValue, _ value: JSONValue) {
        // By their lengths first: there may be many to read.
        switch key.length {
        case 2 where key.says("id"): id = value.string ?? ""
        case 5 where key.says("owner"): owner = value.integer(UInt32.self) ?? 0
        case 5 where key.says("hooks"):
            hooks = value.elements.compactMap {
                $0.string.flatMap(Configuration.Hooks.Kind.init)
            }
        case 6 where key.says("bundle"): bundle = value.string ?? ""
        case 6 where key.says("rootfs"): rootfs = value.string ?? ""
        case 7 where key.says("streams"): streams = value.elements.map { $0.string ?? "" }
        case 7 where key.says("created"): created = value.string ?? ""
        case 7 where key.says("process"): process = ProcessIdentity(recorded: value)
        case 7 where key.says("program"): program = ProcessIdentity(recorded: value)
        case 7 where key.says("creator"): creator = ProcessIdentity(recorded: value)
        case 10 where key.says("ociVersion"): ociVersion = value.string ?? ""
        case 10 where key.says("namespaces"): namespaces = value.integer(UInt64.self) ?? 0
        case 11 where key.says("annotations"):
            annotations = value.members.map { ($0.key.string ?? "", $0.value.string ?? "") }
        case 13 where key.says("ownsProcesses"): ownsProcesses = value.bool ?? true
        default: break
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
        created = Clock.timestamp
        owner = Credentials.effectiveUser
        namespaces = 0
        creator = CurrentProcess.identity
    }

    /// What is as most have it is left out: there may be many to read.
    func encoded() throws(Errno) -> [UInt8] {
        var members: [(key: String, value: JSONOutput)] = [
            ("ociVersion", .string(ociVersion)), ("id", .string(id)), ("boot", .string(try boot)),
            ("bundle", .string(bundle)), ("rootfs", .string(rootfs)),
            ("created", .string(created)), ("owner", .unsigned(UInt64(owner))),
            ("namespaces", .unsigned(namespaces)),
        ]
        if let process { members.append(("process", process.recorded)) }
        if let program { members.append(("program", program.recorded)) }
        if let creator { members.append(("creator", creator.recorded)) }
        if !ownsProcesses { members.append(("ownsProcesses", .bool(false))) }
        members += groups.members
        if !streams.isEmpty { members.append(("streams", .array(streams.map(JSONOutput.string)))) }
        if !hooks.isEmpty {
            members.append(("hooks", .array(hooks.map { .string($0.rawValue) })))
        }
        if !annotations.isEmpty {
            members.append(
                ("annotations", .object(annotations.map { ($0.key, .string($0.value)) })))
        }
        return Array(JSONOutput.object(members).compactText.utf8)
    }

    /// The state of runtime.md, what hooks get on standard input.
    ///
    /// - Parameter pid: As its reader sees it; nil leaves it out.
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
