public import JSON
public import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// What `exec` says about a process besides the container's config, as its options have it.
public struct Joining: Sendable {
    public var container: Configuration.JoinedContainer
    /// Nil leaves that of `--process`.
    public var arguments: [String]?
    public var workingDirectory: String?
    /// Behind the config's, so that these win.
    public var environment: [String] = []
    public var userID: UInt32?
    public var groupID: UInt32?
    public var additionalGroupIDs: [UInt32] = []
    /// Added to the bounding, effective and permitted sets, and to the ambient one where the
    /// config has inheritable ones.
    public var capabilities: CapabilitySet = []
    /// Nil as the config has it.
    public var forbidsNewPrivileges: Bool?
    public var appArmorProfile: String?
    /// The SELinux context.
    public var label: String?
    /// Nil where `--process` decides.
    public var hasTerminal: Bool?

    public init(_ container: Configuration.JoinedContainer) {
        self.container = container
    }
}

extension Configuration {
    /// Puts what the options say over what the config says.
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
    /// What another process in this container is told by.
    public func joined(
        ignoringPause: Bool
    ) throws(RuntimeError) -> Configuration.JoinedContainer {
        guard let state = try state() else { throw RuntimeError.missing(id) }
        try state.groups.requireGenuine(id)
        switch try status(state) {
        case .stopped: throw RuntimeError("cannot exec in a stopped container")
        case .creating: throw RuntimeError("cannot exec in a container that is being created")
        case .paused where !ignoringPause:
            throw RuntimeError(
                "cannot exec in a paused container (use --ignore-paused to override)")
        default: break
        }
        guard let process = state.process else { throw RuntimeError.missing(id) }
        return Configuration.JoinedContainer(
            id: id, process: process, namespaces: NamespaceSet(rawValue: state.namespaces),
            bundle: state.bundle, preservedDescriptors: 0, controlGroup: state.groups.cgroup,
            unit: state.groups.unit, resctrlGroup: state.groups.resctrl)
    }

    /// The config that the container was created from, with `process` in the place of its own.
    ///
    /// - Parameter process: A document whose lines stay where they are; nil leaves the config's.
    public func config(process: JSONDocument?) throws(RuntimeError) -> JSONDocument {
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
            throw RuntimeError("the config of container \"\(id.text)\" cannot be read: \(error)")
        }
    }
}
