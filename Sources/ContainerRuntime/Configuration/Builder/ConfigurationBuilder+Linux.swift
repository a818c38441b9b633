internal import LinuxSystem
internal import OCISpec
internal import Seccomp

/// Namespaces, devices and memory of the container.
extension ConfigurationBuilder {
    func namespaces(_ linux: Spec.Linux?) -> Configuration.Namespaces {
        var new: NamespaceSet = []
        var origin = Origin.standard
        var joined: [Setting<Configuration.JoinedNamespace>] = []
        for namespace in linux?.namespaces ?? [] {
            let kind = namespace.type.value.set
            if let path = namespace.path, !path.value.isEmpty {
                joined.append(
                    Setting(
                        Configuration.JoinedNamespace(
                            kind: kind, name: namespace.type.value.rawValue, path: path.value),
                        .config(namespace.offset)))
            } else {
                if new.isEmpty { origin = .config(namespace.offset) }
                new.insert(kind)
            }
        }
        if request.userNamespace.isAdded { new.insert(.user) }
        return Configuration.Namespaces(new: Setting(new, origin), joined: joined)
    }

    /// The strict profile also has the kernel refuse user namespaces in the container's own.
    func systemControls(_ linux: Spec.Linux?) -> [Setting<(key: String, value: String)>] {
        var found: [Setting<(key: String, value: String)>] = (linux?.sysctl ?? []).map {
            key, value in
            Setting((SystemControl.path(key.value) ?? "", value.value), .config(key.offset))
        }
        let most = "user/max_user_namespaces"
        if let name = request.spec.vfs?.seccomp, name.value == BuiltInProfile.strict.rawValue,
            namespaces(linux).new.value.contains(.user),
            !found.contains(where: { $0.value.key == most })
        {
            found.append(Setting((most, "0"), .config(name.offset)))
        }
        return found
    }

    /// `--seccomp-explain`, `--seccomp-record`. To record the calls of a program without a profile
    /// takes a filter that allows all.
    func addNotices(_ configuration: inout Configuration) {
        let notices = invocation.notices
        if notices.isEmpty { return }
        let origin = Origin.argument(notices.option)
        configuration.notices = Setting(notices, origin)
        if configuration.seccomp == nil {
            configuration.seccomp = Setting(.compiled(NoticeFilter.allowing), origin)
        }
    }

    func networkDevices(
        _ linux: Spec.Linux?
    ) -> [Setting<(name: String, newName: String)>] {
        (linux?.netDevices ?? []).map {
            let newName = $0.newName.map(\.value) ?? ""
            return Setting(
                ($0.name.value, newName.isEmpty ? $0.name.value : newName),
                .config($0.name.offset))
        }
    }

    /// Each path once: of devices that stand twice the checks have seen that they are the same.
    func devices(_ linux: Spec.Linux?) -> [Configuration.Device] {
        // The runtime makes a /dev/ptmx for every container; engines list that of the host too.
        var seen: Set<String> = ["/dev/ptmx"]
        return (linux?.devices ?? []).map(device).filter { seen.insert($0.path).inserted }
    }

    private func device(_ spec: Spec.Linux.Device) -> Configuration.Device {
        let number = DeviceNumber(
            major: UInt32(truncatingIfNeeded: spec.major?.value ?? 0),
            minor: UInt32(truncatingIfNeeded: spec.minor?.value ?? 0))
        return Configuration.Device(
            path: PathText.cleaned(spec.path.value), kind: spec.type.value, number: number,
            mode: (spec.fileMode?.value ?? 0o666) & 0o7777, userID: spec.uid?.value ?? 0,
            groupID: spec.gid?.value ?? 0, origin: .config(spec.offset))
    }

    /// A `/dev` that is bind-mounted gets no devices.
    func makesDefaultDevices(_ mounts: [Configuration.Mount]) -> Bool {
        !mounts.contains {
            if case .bind = $0.kind { PathText.cleaned($0.destination) == "/dev" } else { false }
        }
    }

    func memoryPolicy(
        _ spec: Spec.Linux.MemoryPolicy
    ) -> Setting<Configuration.MemoryPolicy> {
        let mode = Spec.Linux.MemoryPolicy.Mode(rawValue: spec.mode.value)?.number ?? 0
        let flags = spec.flags.compactMap { Spec.Linux.MemoryPolicy.Flag(rawValue: $0.value) }
        let words = [spec.mode.value] + spec.flags.map(\.value)
        let nodes = spec.nodes.map { " on \($0.value)" } ?? ""
        return Setting(
            Configuration.MemoryPolicy(
                words: words.joined(separator: " | ") + nodes,
                mode: flags.reduce(mode) { $0 | $1.bit },
                nodes: numbers(spec.nodes)?.value ?? NumberSet()),
            .config(spec.mode.offset))
    }

    func timeOffsets(_ linux: Spec.Linux?) -> [Setting<Configuration.TimeOffset>] {
        (linux?.timeOffsets ?? []).map {
            Setting(
                Configuration.TimeOffset(
                    clock: $0.clock.value, seconds: $0.seconds, nanoseconds: $0.nanoseconds),
                .config($0.clock.offset))
        }
    }

    /// The socket for messages of the program to the service manager.
    var notifyMount: [Configuration.Mount] {
        guard let container = invocation.container, container.notifySocket != nil else {
            return []
        }
        let source = "\(container.store.directory(container.id))/\(ReadinessSocket.directory)"
        return [
            Configuration.Mount(
                destination: ReadinessSocket.destination,
                kind: .bind(source: source, isRecursive: false),
                set: [.readOnly, .noSetUserID, .noDevices, .noExecution],
                origin: .argument("NOTIFY_SOCKET"), optionText: "bind,nosuid,noexec,nodev,ro")
        ]
    }
}

extension Spec.Linux.Namespace.Kind {
    var set: NamespaceSet {
        switch self {
        case .pid: .pid
        case .network: .network
        case .mount: .mount
        case .ipc: .ipc
        case .uts: .uts
        case .user: .user
        case .cgroup: .cgroup
        case .time: .time
        }
    }
}

extension Configuration.Propagation {
    init(_ spec: Spec.Linux.RootPropagation) {
        switch spec {
        case .shared: self.init(kind: .shared, isRecursive: false)
        case .slave: self.init(kind: .slave, isRecursive: false)
        case .private: self.init(kind: .private, isRecursive: false)
        case .unbindable: self.init(kind: .unbindable, isRecursive: false)
        case .recursiveShared: self.init(kind: .shared, isRecursive: true)
        case .recursiveSlave: self.init(kind: .slave, isRecursive: true)
        case .recursivePrivate: self.init(kind: .private, isRecursive: true)
        case .recursiveUnbindable: self.init(kind: .unbindable, isRecursive: true)
        }
    }
}
