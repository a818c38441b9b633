internal import LinuxSystem
internal import OCISpec

/// The user namespace of the container: as config.json has it, adapted to the caller's privileges.
struct UserNamespaceDecision {
    /// nil: the container stays in that of the runtime process.
    var namespace: Configuration.UserNamespace?
    /// Whether it is added for a caller without root privileges.
    var isAdded = false
    /// Whether the caller has no right to the mappings of the config.
    var lacksIDs = false
    /// The mapped groups, where mounts are adapted to them.
    var groups: IDMap?

    init(_ spec: Spec, _ invocation: Invocation) {
        namespace = UserNamespaceDecision.configured(spec.linux)
        guard invocation.joining == nil, let caller = invocation.rootless else { return }
        if invocation.privilege == .nested && namespace == nil {
            groups = caller.own?.groups
            return
        }
        if spec.vfs?.rootless != nil, invocation.privilege != .full, namespace?.path == nil {
            namespace?.mappings = nil
        }
        let user = Configuration.User(spec.process?.user)
        switch invocation.privilege {
        case .full: break
        case .nested:
            if namespace?.mappings == nil, namespace?.path == nil {
                namespace?.map(by: caller, for: user)
                groups = namespace?.mappings?.value.groups
            }
        case .none: adapt(to: caller, user)
        }
    }

    /// The entry of config.json.
    private static func configured(_ linux: Spec.Linux?) -> Configuration.UserNamespace? {
        guard let linux, let entry = linux.namespaces.first(where: { $0.type.value == .user })
        else { return nil }
        var namespace = Configuration.UserNamespace()
        if let path = entry.path, !path.value.isEmpty {
            namespace.path = Setting(path.value, .config(path.offset))
        }
        let isPartial = linux.uidMappings.isEmpty != linux.gidMappings.isEmpty
        if !isPartial, let mappings = Spec.mappings(linux.uidMappings, linux.gidMappings) {
            let offset = linux.uidMappings.first?.offset ?? entry.offset
            namespace.mappings = Setting(mappings, .config(offset))
        }
        return namespace
    }

    /// A rootless container has a user namespace in any case.
    private mutating func adapt(to caller: RootlessUser, _ user: Configuration.User) {
        var own = namespace ?? Configuration.UserNamespace()
        if own.path == nil {
            if let given = own.mappings {
                guard let writer = caller.writer(of: given.value) else {
                    lacksIDs = true
                    return
                }
                own.writer = writer
            } else {
                own.map(by: caller, for: user)
            }
        }
        isAdded = namespace == nil
        namespace = own
        groups = own.mappings?.value.groups
    }
}

extension Configuration.UserNamespace {
    fileprivate mutating func map(by caller: RootlessUser, for user: Configuration.User) {
        let found = caller.mappings(for: user)
        mappings = Setting(found.mappings, .rootless)
        writer = found.writer
    }
}

extension Configuration.User {
    init(_ spec: Spec.Process.User?) {
        self.init(
            userID: spec?.uid?.value ?? 0, groupID: spec?.gid?.value ?? 0,
            additionalGroupIDs: (spec?.additionalGids ?? []).map(\.value),
            fileModeMask: spec?.umask?.value)
    }
}

extension Configuration {
    /// Removes `gid=5` from mounts of devpts, as almost every config has it, where that group is
    /// not mapped: the kernel refuses such a group.
    mutating func dropUnmappedGroups(_ groups: IDMap) {
        for index in mounts.indices {
            guard case .fileSystem("devpts", let source, var parameters) = mounts[index].kind else {
                continue
            }
            let dropped = parameters.filter {
                $0.key == "gid" && $0.value.flatMap { UInt32($0) }.map(groups.maps) == false
            }
            if dropped.isEmpty { continue }
            parameters.removeAll { $0.key == "gid" }
            mounts[index].optionText = mounts[index].optionText.split(separator: ",")
                .filter { !$0.hasPrefix("gid=") }.joined(separator: ",")
            mounts[index].kind = .fileSystem(
                type: "devpts", source: source, parameters: parameters)
        }
    }
}
