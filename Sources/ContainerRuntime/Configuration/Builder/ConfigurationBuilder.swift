public import JSON
internal import LinuxSystem
public import OCISpec
public import Seccomp

/// A config.json that cannot be used, with all of its findings.
public struct ConfigurationError: Error, Sendable {
    public var diagnostics: [Diagnostic]
}

/// Turns a request that has passed the checks into a configuration. Reports nothing itself.
public struct ConfigurationBuilder {
    let request: Request
    let host: HostFacts
    let seccomp: SeccompReading
    let decision: LimitDecision

    var invocation: Invocation { request.invocation }

    /// Reads the document, gathers the facts of the host, runs the checks, and builds.
    ///
    /// - Parameters:
    ///   - document: The parsed config.json.
    ///   - file: Its name for messages, as the user gave it.
    ///   - bundle: The directory of config.json, absolute.
    ///   - compiled: The cache of compiled seccomp filters.
    public static func build(
        _ document: JSONDocument, file: String, bundle: String, _ invocation: Invocation,
        compiled: SeccompCache? = nil
    ) throws(ConfigurationError) -> (configuration: Configuration, warnings: [Diagnostic]) {
        try build(document, file: file, bundle: bundle, invocation) {
            HostFacts($0, cache: compiled)
        }
    }

    /// - Parameter gather: The facts of the host that the request needs.
    static func build(
        _ document: JSONDocument, file: String, bundle: String, _ invocation: Invocation,
        gather: (Request) -> HostFacts
    ) throws(ConfigurationError) -> (configuration: Configuration, warnings: [Diagnostic]) {
        let diagnostics = Diagnostics(document, file: file)
        let request = Request(Spec(diagnostics), invocation, bundle: bundle)
        let host = gather(request)
        let seccomp = SeccompReading(request, host, diagnostics)
        Checks(request, host, seccomp, diagnostics).runAll()
        let found = diagnostics.sorted + seccomp.others(than: diagnostics)
        let builder = ConfigurationBuilder(
            request: request, host: host, seccomp: seccomp,
            decision: LimitDecision(request, host))
        guard !found.contains(where: { $0.severity == .error }),
            var configuration = builder.configuration()
        else { throw ConfigurationError(diagnostics: found) }
        if let joining = invocation.joining { configuration.apply(joining) }
        return (configuration, found)
    }

    /// nil where a check has failed.
    private func configuration() -> Configuration? {
        let spec = request.spec
        let linux = spec.linux
        guard let process = spec.process.flatMap(process), let root = root() else { return nil }
        let mounts = request.mounts.compactMap { $0.configured(in: request.bundle)?.inside(root) }
        var configuration = Configuration(
            bundle: request.bundle, ociVersion: spec.ociVersion?.value ?? "",
            annotations: spec.annotations.map { ($0.key.value, $0.value.value) },
            process: process, root: root, namespaces: namespaces(linux),
            hostname: name(spec.hostname), domainname: name(spec.domainname),
            mounts: withTrees(mounts) + notifyMount,
            devices: devices(linux),
            makesDefaultDevices: makesDefaultDevices(mounts),
            sysctl: systemControls(linux),
            maskedPaths: (linux?.maskedPaths ?? []).map(request.setting),
            readonlyPaths: (linux?.readonlyPaths ?? []).map(request.setting),
            rootfsPropagation: linux?.rootfsPropagation.map {
                Setting(Configuration.Propagation($0.value), .config($0.offset))
            } ?? Setting(.init(kind: .slave, isRecursive: true), .standard),
            seccomp: seccomp.setting,
            personality: linux?.personality.map { request.setting($0.domain) },
            memoryPolicy: linux?.memoryPolicy.map(memoryPolicy),
            networkDevices: networkDevices(linux),
            hooks: spec.hooks.map(Configuration.Hooks.init) ?? .init(),
            mountLabel: name(linux?.mountLabel), container: invocation.container,
            controlGroup: controlGroup(),
            resourceDirector: linux?.intelRdt.map(resourceDirector))
        configuration.userNamespace = request.userNamespace.namespace
        if let groups = request.userNamespace.groups { configuration.dropUnmappedGroups(groups) }
        if let type = EngineAnnotation.mountContextType.value(in: spec) {
            configuration.mountLabelOption = type.value
        }
        configuration.files = files()
        configuration.timeOffsets = timeOffsets(linux)
        configuration.streamFiles = invocation.streamFiles
        configuration.innerStreams = invocation.innerStreams
        configuration.network = network
        configuration.resolver = resolver
        configuration.limits = decision.held
        configuration.measuresStart = invocation.measures || request.limits.cpuTime != nil
        if let resources = configuration.controlGroup?.value.resources {
            configuration.limits.groupMemory = resources.memory?.limit.flatMap {
                $0.value > 0 ? UInt64($0.value) : nil
            }
            configuration.limits.groupProcesses = resources.pids.flatMap {
                $0.value > 0 ? UInt64($0.value) : nil
            }
        }
        if decision.uses(.upper, for: .disk) {
            configuration.limits.watched = configuration.keptUppers
            if !configuration.limits.watched.isEmpty {
                configuration.limits.holders[.disk] = .watch
            }
        }
        addProcessLimits(&configuration.process)
        addNotices(&configuration)
        if let wanted = spec.vfs?.hasInit, wanted.value {
            configuration.initOrigin = .config(wanted.offset)
        }
        if let wanted = spec.vfs?.landlock, wanted.value, let version = host.landlockVersion {
            configuration.landlock = Setting(version, .config(wanted.offset))
        }
        configuration.sharesTerminal = invocation.sharesTerminal
        configuration.privilege = invocation.privilege
        configuration.adaptsToCaller = request.adaptsToCaller
        return configuration
    }

    /// An empty name counts as missing.
    func name(_ name: Located<String>?) -> Setting<String>? {
        name.flatMap { $0.value.isEmpty ? nil : request.setting($0) }
    }
}
