internal import JSON
internal import LinuxSystem
internal import OCISpec

extension ConfigurationBuilder {
    /// The container's user namespace by the config; nil where it is the runtime's.
    func userNamespace(_ linux: Spec.Linux?) -> Configuration.UserNamespace? {
        guard let linux, let entry = linux.namespaces.first(where: { $0.type.value == .user })
        else { return nil }
        var namespace = Configuration.UserNamespace()
        if let path = entry.path, !path.value.isEmpty {
            namespace.path = Setting(path.value, .config(path.offset))
        }
        let isPartial = linux.uidMappings.isEmpty != linux.gidMappings.isEmpty
        // What is missing for somebody who is not root is found out later.
        let isFilledIn = invocation.privilege == .none && linux.uidMappings.isEmpty
        if isPartial || (namespace.path == nil && linux.uidMappings.isEmpty && !isFilledIn) {
            diagnostics.error(
                "a new user namespace needs linux.uidMappings and linux.gidMappings: which ids of"
                    + " the host those of the container are", at: entry.offset)
        }
        if !isPartial, let mappings = Spec.mappings(linux.uidMappings, linux.gidMappings) {
            let offset = linux.uidMappings.first?.offset ?? entry.offset
            namespace.mappings = Setting(mappings, .config(offset))
        }
        return namespace
    }

    func adapt(_ configuration: inout Configuration?) {
        guard let user = invocation.rootless else { return }
        let place = configuration?.userNamespace?.mappings?.origin
        guard let reason = configuration?.adapt(to: user) else { return }
        var offset = diagnostics.document.root.offset
        if case .config(let found) = place { offset = found }
        diagnostics.error(reason, at: offset)
    }

    func timeOffsets(_ linux: Spec.Linux?) -> [Setting<Configuration.TimeOffset>] {
        (linux?.timeOffsets ?? []).map {
            Setting(
                Configuration.TimeOffset(
                    clock: $0.clock.value, seconds: $0.seconds, nanoseconds: $0.nanoseconds),
                .config($0.clock.offset))
        }
    }

    /// Whoever the program is to run as must be somebody in the container.
    func checkMappedUser(_ spec: Spec, _ configuration: Configuration) {
        guard let mappings = configuration.userNamespace?.mappings else { return }
        let process = spec.process
        let place = process?.offset ?? diagnostics.document.root.offset
        let user = configuration.process.user.value
        if !mappings.value.users.maps(user.userID) {
            complain("user", user.userID, mappings.origin, process?.user?.uid?.offset ?? place)
        }
        if !mappings.value.groups.maps(user.groupID) {
            complain("group", user.groupID, mappings.origin, process?.user?.gid?.offset ?? place)
        }
        for group in process?.user?.additionalGids ?? []
        where !mappings.value.groups.maps(group.value) {
            complain("group", group.value, mappings.origin, group.offset)
        }
    }

    private func complain(_ kind: String, _ id: UInt32, _ origin: Origin, _ offset: Int) {
        let list = kind == "user" ? "uid" : "gid"
        let advice =
            origin == .rootless
            ? "those beside the caller's own are set aside in /etc/sub\(list)"
            : "add it to linux.\(list)Mappings"
        diagnostics.error(
            "the \(kind) \(id) is not mapped in the container's user namespace; \(advice)",
            at: offset)
    }

    /// Whoever is not root has no right to what is the host's.
    func checkHostDevices(_ spec: Spec) {
        guard invocation.privilege == .none, let first = spec.linux?.netDevices.first else {
            return
        }
        diagnostics.error(
            "only root may move network devices of the host; remove linux.netDevices, or run vfs-run"
                + " as root", at: first.name.offset)
    }

    /// Mounts that take the container's mappings need a container that has some.
    func checkIDMappedMounts(_ spec: Spec, _ configuration: Configuration) {
        let hasMappings = configuration.userNamespace != nil
        for mount in configuration.mounts {
            guard let mapping = mount.idMapping, case .config(let offset) = mount.origin else {
                continue
            }
            if mapping.mappings == nil && !hasMappings {
                diagnostics.error(
                    "idmap without uidMappings and gidMappings takes those of the container's user"
                        + " namespace, and there is none; give the mount its own", at: offset)
            }
            if invocation.privilege == .none {
                diagnostics.error(
                    "only root may map the ids of a mount; remove it, or run vfs-run as root",
                    at: offset)
            }
        }
    }
}
