internal import Cgroups
public import JSON
public import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// The options of `exec`, which override the config of the container.
public struct Joining: Sendable {
    public var container: Configuration.JoinedContainer
    /// nil: those of `--process`.
    public var arguments: [String]?
    public var workingDirectory: String?
    /// After those of the config, which they override.
    public var environment: [String] = []
    public var userID: UInt32?
    public var groupID: UInt32?
    public var additionalGroupIDs: [UInt32] = []
    /// Added to the bounding, effective and permitted sets, and to the ambient set if the config has
    /// inheritable capabilities.
    public var capabilities: CapabilitySet = []
    /// nil: as in the config.
    public var forbidsNewPrivileges: Bool?
    public var appArmorProfile: String?
    /// The SELinux context.
    public var label: String?
    /// nil: as in `--process`.
    public var hasTerminal: Bool?

    public init(_ container: Configuration.JoinedContainer) {
        self.container = container
    }
}

extension Configuration {
    /// Overrides settings of the config with the options.
    mutating func apply(_ joining: Joining) {
        joined = joining.container
        if let arguments = joining.arguments {
            process.arguments = Setting(arguments, .argument("the command line"))
        }
        if let path = joining.workingDirectory {
            process.workingDirectory = Setting(path, .argument("--cwd"))
        }
        process.environment = Environment.prepared(process.environment + joining.environment)
        if joining.userID != nil || !joining.additionalGroupIDs.isEmpty {
            process.user.origin = .argument("--user")
        }
        if let userID = joining.userID { process.user.value.userID = userID }
        if let groupID = joining.groupID { process.user.value.groupID = groupID }
        process.user.value.additionalGroupIDs += joining.additionalGroupIDs
        if !joining.capabilities.isEmpty {
            var sets = process.capabilities.value
            sets.bounding.formUnion(joining.capabilities)
            sets.effective.formUnion(joining.capabilities)
            sets.permitted.formUnion(joining.capabilities)
            if !sets.inheritable.isEmpty {
                sets.inheritable.formUnion(joining.capabilities)
                sets.ambient.formUnion(joining.capabilities)
            }
            process.capabilities = Setting(sets, .argument("--cap"))
        }
        if let forbids = joining.forbidsNewPrivileges {
            process.noNewPrivileges = Setting(forbids, .argument("--no-new-privs"))
        }
        if let profile = joining.appArmorProfile, !profile.isEmpty {
            process.appArmorProfile = Setting(profile, .argument("--apparmor"))
        }
        if let label = joining.label, !label.isEmpty {
            process.label = Setting(label, .argument("--process-label"))
        }
        switch joining.hasTerminal {
        case true?: process.terminal = Setting(Terminal(), .argument("--tty"))
        case false?: process.terminal = nil
        case nil: break
        }
    }
}

extension StoredContainer {
    /// The facts about this container that another process in it needs.
    public func joined(
        ignoringPause: Bool
    ) throws(Failure) -> Configuration.JoinedContainer {
        guard let state = try state() else { throw Failure.missing(id) }
        try state.groups.requireGenuine(id)
        switch try status(state) {
        case .stopped: throw Failure("cannot exec in a stopped container")
        case .creating: throw Failure("cannot exec in a container that is being created")
        case .paused where !ignoringPause:
            throw Failure(
                "cannot exec in a paused container (use --ignore-paused to override)")
        default: break
        }
        guard let process = state.programProcess else { throw Failure.missing(id) }
        var joined = Configuration.JoinedContainer(
            id: id, process: process, namespaces: NamespaceSet(rawValue: state.namespaces),
            bundle: state.bundle, preservedDescriptors: 0, controlGroup: state.groups.cgroup,
            unit: state.groups.unit, resctrlGroup: state.groups.resctrl)
        joined.ownsProcesses = state.ownsProcesses
        if state.groups.controlGroup.processLimit != nil { joined.limited = self }
        return joined
    }

    /// The config that the container was created from, with `process` in the place of its own.
    ///
    /// - Parameter process: A document whose lines stay where they are; nil leaves the config's.
    public func config(process: JSONDocument?) throws(Failure) -> JSONDocument {
        do {
            let file = try directory.borrowed.openOwn(ContainerStore.configName)
            let document = try JSONDocument(try file.borrowed.readAll())
            guard let process else { return document }
            var bytes = Array("{\"process\":".utf8) + process.bytes
            for (key, value) in document.root.members where key.string != "process" {
                bytes += Array(",".utf8) + key.text + Array(":".utf8) + value.text
            }
            return try JSONDocument(bytes + Array("}".utf8))
        } catch {
            throw Failure("the config of container \"\(id.text)\" cannot be read: \(error)")
        }
    }
}
