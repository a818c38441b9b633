internal import LinuxSystem
internal import OCISpec

/// The container process.
extension ConfigurationBuilder {
    func process(_ spec: Spec.Process) -> Configuration.Process? {
        guard let cwd = spec.cwd, let args = spec.args, let first = args.first else { return nil }
        let arguments =
            invocation.arguments.isEmpty
            ? Setting(args.map(\.value), .config(first.offset))
            : Setting(invocation.arguments, .argument("--"))
        var user = Configuration.User(spec.user)
        user.keepsGroups = request.keepsGroups
        let userOrigin = (spec.user?.uid?.offset).map(Origin.config) ?? .standard
        return Configuration.Process(
            arguments: arguments,
            environment: Environment.prepared(
                proxyEnvironment + spec.env.map(\.value) + ownEnvironment),
            workingDirectory: request.setting(cwd),
            makesWorkingDirectory: request.spec.vfs?.makesWorkingDirectory?.value ?? true,
            terminal: terminal(spec),
            user: Setting(user, userOrigin),
            limits: spec.rlimits.compactMap(limit).filter { limit in
                !invocation.processLimits.contains { $0.value.resource == limit.value.resource }
            } + invocation.processLimits,
            capabilities: capabilities(spec.capabilities),
            noNewPrivileges: spec.noNewPrivileges.map(request.setting) ?? Setting(false, .standard),
            scheduling: spec.scheduler.map {
                Setting(SchedulingAttributes($0), .config($0.offset))
            },
            inputOutputPriority: spec.ioPriority.map {
                Setting(
                    .init(kind: $0.kind.value, level: $0.priority?.value ?? 0), .config($0.offset))
            },
            initialAffinity: numbers(spec.execCPUAffinity?.initial),
            finalAffinity: numbers(spec.execCPUAffinity?.final),
            oomScoreAdjustment: spec.oomScoreAdj.map(request.setting),
            appArmorProfile: name(spec.apparmorProfile), label: name(spec.selinuxLabel))
    }

    /// nil also where a check has failed.
    func numbers(_ list: Located<String>?) -> Setting<NumberSet>? {
        guard let list, !list.value.isEmpty, let set = try? NumberList.parse(list.value) else {
            return nil
        }
        return Setting(set, .config(list.offset))
    }

    private func terminal(_ spec: Spec.Process) -> Setting<Configuration.Terminal>? {
        guard let wanted = spec.terminal, wanted.value, invocation.hasTerminal else { return nil }
        var terminal = Configuration.Terminal()
        if let rows = spec.consoleSize?.height, let columns = spec.consoleSize?.width {
            terminal.size = TerminalSize(rows: rows.value, columns: columns.value)
        }
        return Setting(terminal, .config(wanted.offset))
    }

    private func limit(_ spec: Spec.Process.ResourceLimit) -> Setting<Configuration.Limit>? {
        guard let resource = ResourceLimit.allCases.first(where: { $0.name == spec.type.value })
        else { return nil }
        return Setting(
            .init(resource: resource, soft: spec.soft.value, hard: spec.hard.value),
            .config(spec.type.offset))
    }

    /// Without `capabilities` in the config, the process has none.
    private func capabilities(
        _ spec: Spec.Process.Capabilities?
    ) -> Setting<CapabilitySets> {
        guard let spec else { return Setting(CapabilitySets(), .standard) }
        func set(_ names: [Located<String>]) -> CapabilitySet {
            names.reduce(into: []) { set, name in
                if let capability = CapabilitySet(name: name.value) { set.formUnion(capability) }
            }
        }
        var sets = CapabilitySets()
        sets.bounding = set(spec.bounding)
        sets.permitted = set(spec.permitted)
        sets.effective = set(spec.effective).intersection(sets.permitted)
        sets.inheritable = set(spec.inheritable)
        sets.ambient = set(spec.ambient).intersection(sets.permitted).intersection(sets.inheritable)
        return Setting(sets, .config(spec.offset))
    }

    /// Variables that the runtime adds.
    private var ownEnvironment: [String] {
        guard let container = invocation.container else { return [] }
        var entries: [String] = []
        if container.listeningDescriptors > 0 {
            entries += ["LISTEN_FDS=\(container.listeningDescriptors)", "LISTEN_PID=1"]
        }
        if container.notifySocket != nil {
            entries.append(
                "NOTIFY_SOCKET=\(ReadinessSocket.destination)/\(ReadinessSocket.name)")
        }
        return entries
    }
}

extension SchedulingAttributes {
    init(_ spec: Spec.Process.Scheduler) {
        self.init(
            policy: spec.policy.value.number,
            flags: spec.flags.reduce(0) { $0 | $1.value.bit }, nice: spec.nice?.value ?? 0,
            priority: UInt32(clamping: spec.priority?.value ?? 0),
            runtime: spec.runtime?.value ?? 0, deadline: spec.deadline?.value ?? 0,
            period: spec.period?.value ?? 0)
    }
}
