internal import CResources
internal import Cgroups
public import JSON
internal import LinuxSystem
public import OCISpec
public import Seccomp
internal import SystemPackage

/// What the command line says about a container besides its config.json.
public struct Invocation: Sendable {
    /// `args[0]` and what follows; empty leaves the config's.
    public var arguments: [String] = []
    /// The directory that keeps the writable layer, absolute.
    public var upper: String?
    /// Where what is thrown away may be written if no tmpfs can hold it, absolute; nil where nobody
    /// stays to remove it.
    public var scratch: String?
    /// What the upper is frozen as before the run.
    public var snapshot: String?
    /// More layers, bottom first, absolute.
    public var layers: [String] = []
    /// Whether the caller wants to see what was written.
    public var comparesUpper = false
    /// Whether the root is an overlay where the config does not say.
    public var overlaysByDefault = true
    /// Whether the caller has a terminal to offer; without one streams pass through.
    public var hasTerminal = false
    /// Whether nobody stays who could keep the container's terminal.
    public var leavesTerminal = false
    /// What `exec` asks for: the process joins this container instead of making one.
    public var joining: Joining?
    /// The name it gets and what goes with it; nil for the one-shot form.
    public var container: Configuration.Container?
    /// Which containers get a cgroup.
    public var controlGroups = ControlGroups.whenNeeded
    /// Whether systemd makes it.
    public var asksSystemd = false

    /// What the runtime may do.
    public var privilege = Configuration.Privilege.full
    /// Whoever is not root and gets by without; nil leaves everything as the config has it.
    public var rootless: RootlessUser?

    public enum ControlGroups: Sendable {
        /// None.
        case disabled
        /// Those whose config has limits.
        case whenNeeded
        /// All, since commands will pause, list and measure them.
        case always
    }

    public init() {}
}

/// A config.json that could not be used, with all that is wrong in it.
public struct ConfigurationError: Error, Sendable {
    public var diagnostics: [Diagnostic]
}

/// Turns the document into a configuration: reads, checks, decides.
public struct ConfigurationBuilder {
    let diagnostics: Diagnostics
    let invocation: Invocation
    let bundle: String
    private let compiled: SeccompCache?
    private var others: [Diagnostic] = []

    /// - Parameters:
    ///   - document: The parsed config.json.
    ///   - file: Its name for messages, as the user gave it.
    ///   - bundle: The directory it lies in, absolute.
    ///   - compiled: Where filters of profiles are found that need no reading any more.
    public static func build(
        _ document: JSONDocument, file: String, bundle: String, _ invocation: Invocation,
        compiled: SeccompCache? = nil
    ) throws(ConfigurationError) -> (configuration: Configuration, warnings: [Diagnostic]) {
        var builder = ConfigurationBuilder(
            diagnostics: Diagnostics(document, file: file), invocation: invocation, bundle: bundle,
            compiled: compiled)
        let spec = Spec(builder.diagnostics)
        for check in Checks.all { check(spec, builder.diagnostics) }
        builder.checkTerminal(spec)
        var configuration = builder.configuration(spec)
        if let joining = invocation.joining {
            configuration?.apply(joining)
        } else if configuration != nil {
            builder.adapt(&configuration)
            guard let configuration else { throw ConfigurationError(diagnostics: []) }
            builder.checkJoinedMounts(spec, configuration)
            builder.checkMappedUser(spec, configuration)
            builder.checkIDMappedMounts(spec, configuration)
            builder.checkHostDevices(spec)
        }
        let found = builder.diagnostics.sorted + builder.others
        guard let configuration, !found.contains(where: { $0.severity == .error }) else {
            throw ConfigurationError(diagnostics: found)
        }
        return (configuration, found)
    }

    private init(
        diagnostics: Diagnostics, invocation: Invocation, bundle: String, compiled: SeccompCache?
    ) {
        self.diagnostics = diagnostics
        self.invocation = invocation
        self.bundle = bundle
        self.compiled = compiled
    }

    /// Nil only where a check has complained.
    private mutating func configuration(_ spec: Spec) -> Configuration? {
        // Both before anything that ends here: they have errors of their own to tell.
        let seccomp = seccomp(spec)
        let mounts = spec.mounts.compactMap {
            Configuration.Mount($0, bundle: bundle, diagnostics)
        }
        guard let process = spec.process.flatMap(process), let root = root(spec) else {
            return nil
        }
        let linux = spec.linux
        let propagation = linux?.rootfsPropagation
        var configuration = Configuration(
            bundle: bundle, ociVersion: spec.ociVersion?.value ?? "",
            annotations: spec.annotations.map { ($0.key.value, $0.value.value) },
            process: process, root: root, namespaces: namespaces(linux),
            hostname: name(spec.hostname), domainname: name(spec.domainname),
            mounts: mounts + notifyMount,
            // Every container has a /dev/ptmx of its own; engines list the host's all the same.
            devices: (linux?.devices ?? []).map(device).filter { $0.path != "/dev/ptmx" },
            makesDefaultDevices: makesDefaultDevices(mounts),
            sysctl: (linux?.sysctl ?? []).map { key, value in
                Setting(
                    (SystemControl.path(key.value) ?? "", value.value), .config(key.offset))
            },
            maskedPaths: (linux?.maskedPaths ?? []).map(setting),
            readonlyPaths: (linux?.readonlyPaths ?? []).map(setting),
            rootfsPropagation: propagation.map {
                Setting(Configuration.Propagation($0.value), .config($0.offset))
            } ?? Setting(.init(kind: .slave, isRecursive: true), .standard),
            seccomp: seccomp, personality: linux?.personality.map { setting($0.domain) },
            memoryPolicy: linux?.memoryPolicy.map(memoryPolicy),
            networkDevices: (linux?.netDevices ?? []).map {
                let newName = $0.newName.map(\.value) ?? ""
                return Setting(
                    ($0.name.value, newName.isEmpty ? $0.name.value : newName),
                    .config($0.name.offset))
            },
            hooks: spec.hooks.map(Configuration.Hooks.init) ?? .init(),
            mountLabel: name(linux?.mountLabel), container: invocation.container,
            controlGroup: controlGroup(linux, spec.annotations, adapts: adapts(spec)),
            resourceDirector: linux?.intelRdt.map(resourceDirector))
        configuration.userNamespace = userNamespace(linux)
        configuration.timeOffsets = timeOffsets(linux)
        configuration.privilege = invocation.privilege
        configuration.adaptsToCaller = adapts(spec)
        return configuration
    }

    private func adapts(_ spec: Spec) -> Bool {
        spec.vfs?.rootless != nil && invocation.privilege != .full
    }

    private func controlGroup(
        _ linux: Spec.Linux?, _ annotations: [(key: Located<String>, value: Located<String>)],
        adapts: Bool
    ) -> Setting<Configuration.ControlGroup>? {
        var resources = linux?.resources.map { Resources($0) } ?? Resources()
        // Whoever may make no device has none to be kept from, and only root may keep others.
        let policesDevices = invocation.privilege == .full
        if !policesDevices { resources.devices = nil }
        switch invocation.controlGroups {
        case .disabled: return nil
        case .whenNeeded where !resources.needControlGroup: return nil
        case .whenNeeded, .always: break
        }
        let path = linux?.cgroupsPath.flatMap { $0.value.isEmpty ? nil : $0 }
        let offset = linux?.resources?.offset ?? path?.offset
        return Setting(
            .init(
                path: path?.value, id: invocation.container?.id.text, resources: resources,
                isManaged: invocation.controlGroups == .always, policesDevices: policesDevices,
                isOptional: !policesDevices && (adapts || !resources.needControlGroup),
                unit: invocation.asksSystemd ? unit(path, annotations) : nil),
            offset.map(Origin.config) ?? .standard)
    }

    private func resourceDirector(
        _ director: Spec.Linux.IntelRdt
    ) -> Setting<ResctrlRequest> {
        func text(_ located: Located<String>?) -> String? {
            located.flatMap { $0.value.isEmpty ? nil : $0.value }
        }
        return Setting(
            ResctrlRequest(
                group: text(director.closID),
                name: invocation.container?.id.text ?? "vfs-run-\(CurrentProcess.pid)",
                l3CacheSchema: text(director.l3CacheSchema),
                memoryBandwidthSchema: text(director.memBwSchema),
                schemata: director.schemata.map(\.value),
                monitors: director.enableMonitoring?.value ?? false),
            .config(director.offset))
    }

    /// Nil only with an error.
    private func unit(
        _ path: Located<String>?, _ annotations: [(key: Located<String>, value: Located<String>)]
    ) -> SystemdUnitRequest? {
        let name = invocation.container?.id.text ?? String(CurrentProcess.pid)
        do throws(ControlGroupError) {
            var request = try SystemdUnitRequest(
                path: path?.value, name: name, isUsers: SystemdUnit.areUsers)
            for (key, value) in annotations {
                do throws(ControlGroupError) {
                    request.properties += [try SystemdProperty(annotation: key.value, value.value)]
                        .compactMap(\.self)
                } catch {
                    diagnostics.error(error.sentence, at: value.offset)
                }
            }
            return request
        } catch {
            diagnostics.error(error.sentence, at: path?.offset ?? diagnostics.document.root.offset)
            return nil
        }
    }

    /// What the program needs to say that it is ready.
    private var notifyMount: [Configuration.Mount] {
        guard let container = invocation.container, container.notifySocket != nil else {
            return []
        }
        let source = "\(container.store.directory(container.id))/\(ReadinessProxy.directory)"
        return [
            Configuration.Mount(
                destination: ReadinessProxy.destination,
                kind: .bind(source: source, isRecursive: false),
                set: [.readOnly, .noSetUserID, .noDevices, .noExecution],
                origin: .argument("NOTIFY_SOCKET"), optionText: "bind,nosuid,noexec,nodev,ro")
        ]
    }

    /// What the runtime tells the program by its environment.
    private var ownEnvironment: [String] {
        guard let container = invocation.container else { return [] }
        var entries: [String] = []
        if container.listeningDescriptors > 0 {
            entries += ["LISTEN_FDS=\(container.listeningDescriptors)", "LISTEN_PID=1"]
        }
        if container.notifySocket != nil {
            entries.append(
                "NOTIFY_SOCKET=\(ReadinessProxy.destination)/\(ReadinessProxy.name)")
        }
        return entries
    }

    /// A terminal needs somebody at its other end.
    private func checkTerminal(_ spec: Spec) {
        let joining = invocation.joining
        if joining == nil && invocation.container == nil { return }
        let socket = joining?.container.consoleSocket ?? invocation.container?.consoleSocket
        let terminal = spec.process?.terminal
        let isWanted = joining?.hasTerminal ?? terminal?.value ?? false
        let offset = terminal?.offset ?? diagnostics.document.root.offset
        if isWanted && invocation.leavesTerminal && socket == nil {
            diagnostics.error(
                "cannot allocate tty if the runtime will detach without setting console socket;"
                    + " give --console-socket", at: offset)
        }
        if socket != nil && !(isWanted && invocation.leavesTerminal) {
            diagnostics.error(
                "cannot use console socket if the runtime will not detach or allocate tty; leave"
                    + " --console-socket out", at: offset)
        }
    }

    func setting<Value: Sendable>(_ located: Located<Value>) -> Setting<Value> {
        Setting(located.value, .config(located.offset))
    }

    /// An empty one counts as not there.
    private func name(_ name: Located<String>?) -> Setting<String>? {
        name.flatMap { $0.value.isEmpty ? nil : setting($0) }
    }

    // MARK: The process

    private func process(_ spec: Spec.Process) -> Configuration.Process? {
        guard let cwd = spec.cwd, let args = spec.args, let first = args.first else { return nil }
        let arguments =
            invocation.arguments.isEmpty
            ? Setting(args.map(\.value), .config(first.offset))
            : Setting(invocation.arguments, .argument("--"))
        var user = Configuration.User(
            userID: spec.user?.uid?.value ?? 0, groupID: spec.user?.gid?.value ?? 0,
            additionalGroupIDs: (spec.user?.additionalGids ?? []).map(\.value))
        user.fileModeMask = spec.user?.umask?.value
        let userOrigin = (spec.user?.uid?.offset).map(Origin.config) ?? .standard
        return Configuration.Process(
            arguments: arguments,
            environment: Environment.prepared(spec.env.map(\.value) + ownEnvironment),
            workingDirectory: setting(cwd), terminal: terminal(spec),
            user: Setting(user, userOrigin),
            limits: spec.rlimits.compactMap(limit),
            capabilities: capabilities(spec.capabilities),
            noNewPrivileges: spec.noNewPrivileges.map(setting) ?? Setting(false, .standard),
            scheduling: spec.scheduler.map {
                Setting(SchedulingAttributes($0), .config($0.offset))
            },
            inputOutputPriority: spec.ioPriority.map {
                Setting(
                    .init(kind: $0.kind.value, level: $0.priority?.value ?? 0), .config($0.offset))
            },
            initialAffinity: numbers(spec.execCPUAffinity?.initial),
            finalAffinity: numbers(spec.execCPUAffinity?.final),
            oomScoreAdjustment: spec.oomScoreAdj.map(setting),
            appArmorProfile: name(spec.apparmorProfile), label: name(spec.selinuxLabel))
    }

    /// Nil also for what a check has complained of.
    private func numbers(_ list: Located<String>?) -> Setting<NumberSet>? {
        guard let list, !list.value.isEmpty, let set = try? NumberList.parse(list.value) else {
            return nil
        }
        return Setting(set, .config(list.offset))
    }

    private func memoryPolicy(
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

    /// Without `capabilities` in the config the process gets none.
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

    // MARK: Linux

    private func namespaces(_ linux: Spec.Linux?) -> Configuration.Namespaces {
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
        return Configuration.Namespaces(new: Setting(new, origin), joined: joined)
    }

    private func device(_ spec: Spec.Linux.Device) -> Configuration.Device {
        let number = DeviceNumber(
            major: UInt32(truncatingIfNeeded: spec.major?.value ?? 0),
            minor: UInt32(truncatingIfNeeded: spec.minor?.value ?? 0))
        return Configuration.Device(
            path: PathText.cleaned(spec.path.value), kind: spec.type.value, number: number,
            mode: (spec.fileMode?.value ?? 0o666) & 0o777, userID: spec.uid?.value ?? 0,
            groupID: spec.gid?.value ?? 0, origin: .config(spec.offset))
    }

    /// A `/dev` that is bound in is somebody's own and gets nothing.
    private func makesDefaultDevices(_ mounts: [Configuration.Mount]) -> Bool {
        !mounts.contains {
            if case .bind = $0.kind { PathText.cleaned($0.destination) == "/dev" } else { false }
        }
    }

    private mutating func seccomp(_ spec: Spec) -> Setting<Configuration.SeccompProfile>? {
        if let value = spec.linux?.seccomp {
            return profile(value, diagnostics, .config(value.offset))
        }
        guard let name = spec.vfs?.seccomp else { return nil }
        let path = PathText.absolute(name.value, from: bundle)
        let bytes: [UInt8]
        do throws(SystemCallError) {
            bytes =
                name.value == "default"
                ? DefaultProfile.bytes
                : try attempt("open", "\"\(path)\"") { () throws(Errno) in
                    try HostPath.read(path)
                }
        } catch {
            diagnostics.error("the seccomp profile cannot be read: \(error)", at: name.offset)
            return nil
        }
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }
        let end = bytes.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? 0
        let text = bytes[..<end].drop(while: isSpace)
        // One that notifies says besides whom, which is in the profile alone.
        if let filter = compiled?.find(text), !filter.notifies {
            return Setting(.compiled(filter), .config(name.offset))
        }
        do {
            let document = try JSONDocument(bytes)
            let inner = Diagnostics(document, file: name.value)
            inner.reportDuplicateKeys()
            let found = profile(document.root, inner, .config(name.offset))
            others += inner.sorted
            return found
        } catch {
            others.append(Diagnostic(error, file: name.value))
            return nil
        }
    }

    /// Reads and checks a profile, unless its filter is there already.
    private func profile(
        _ value: JSONValue, _ diagnostics: Diagnostics, _ origin: Origin
    ) -> Setting<Configuration.SeccompProfile>? {
        if let filter = compiled?.find(value.text), !filter.notifies {
            return Setting(.compiled(filter), origin)
        }
        guard let profile = Spec.Seccomp(value, diagnostics) else { return nil }
        Checks.seccompProfile(profile, diagnostics)
        return Setting(.read(profile), origin)
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

/// The seccomp profile that is part of the program: config/seccomp.json.
public enum DefaultProfile {
    public static var bytes: [UInt8] {
        let buffer = unsafe UnsafeBufferPointer(
            start: cresources_default_seccomp(), count: cresources_default_seccomp_size())
        return unsafe Array(buffer)
    }
}
