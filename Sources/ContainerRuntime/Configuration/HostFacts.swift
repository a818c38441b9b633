internal import Cgroups
internal import JSON
internal import Layers
internal import LinuxSystem
internal import OCISpec
internal import Seccomp
internal import SystemPackage

/// The facts of the host that checks and the builder use. They are gathered once, before both, and
/// only as far as the request needs them: each takes system calls.
struct HostFacts {
    var effectiveUser: UInt32 = 0
    /// The capabilities that the runtime process may use.
    var ownCapabilities: CapabilitySet = []
    /// The directories of each layer that `vfs.overlay.layers` names.
    var layers: [Result<[String], Failure>] = []
    /// The snapshots of a kept upper.
    var snapshots: Result<SnapshotPlan, Failure>?
    var discardedUpper = DiscardedUpper.memory
    /// Whether the caller's own systemd makes units, not that of the host.
    var usesUsersSystemd = false
    /// The host's /etc/resolv.conf, where the container has the host's network.
    var resolver: String?
    /// The helper that `vfs.network` names.
    var networkHelper: Result<Configuration.NetworkHelper, Failure>?
    /// The version of Landlock's interface; nil where there is none, and where it is not asked for.
    var landlockVersion: Int?
    /// The mounts, where a copy-on-write tree may have some below it.
    var mountTable: Result<MountTable, Failure>?
    /// The profile that `vfs.seccomp` names.
    var seccompProfile: Result<[UInt8], Failure>?
    /// The compiled filter of the profile, from an earlier start.
    var seccompFilter: SeccompFilter?
    /// Why the container would get no cgroup with a controller that holds a limit of the run.
    var groupLacks: [(controller: String, sentence: String)] = []

    /// Where an upper lies that is discarded after the run.
    enum DiscardedUpper: Sendable {
        /// On a tmpfs.
        case memory
        /// In the scratch directory: before Linux 6.6 a tmpfs keeps no `user.*` attributes, by
        /// which overlayfs without root privileges marks that a directory of a layer is gone.
        case scratch
        /// On such a tmpfs all the same.
        case memoryWithoutAttributes
    }

    init() {}

    /// Gathers what `request` needs.
    init(_ request: Request, cache: SeccompCache?) {
        let spec = request.spec
        let grants = spec.process?.capabilities?.permitted.isEmpty == false && !request.has(.user)
        if grants || spec.linux?.sysctl.isEmpty == false {
            effectiveUser = Credentials.effectiveUser
        }
        if grants { ownCapabilities = .permitted }
        if request.wantsSystemdUnit { usesUsersSystemd = SystemdUnit.areUsers }
        if request.overlays.value { gatherLayers(request) }
        if spec.vfs?.landlock?.value == true {
            landlockVersion = try? KernelProbe.landlockVersion()
        }
        let trees = request.spec.vfs?.copyOnWrite ?? []
        if request.invocation.joining == nil, !trees.isEmpty || request.showsHostRoot {
            mountTable = Result { () throws(Failure) in try MountTable.read() }
            if request.invocation.privilege != .full, !KernelProbe.tmpfsTakesUserAttributes,
                trees.contains(where: { $0.upper == nil })
            {
                discardedUpper = .memoryWithoutAttributes
            }
        }
        gatherSeccomp(request, cache)
        networkHelper = HostFacts.networkHelper(request)
        resolver = HostFacts.resolver(request)
        let controllers = request.controllersOfLimits
        // systemd makes what it is asked for, or says why not.
        if !controllers.isEmpty, !request.invocation.asksSystemd,
            request.invocation.controlGroups != .disabled, request.invocation.joining == nil
        {
            groupLacks = Hierarchies.lacks(controllers)
        }
    }

    private mutating func gatherLayers(_ request: Request) {
        var count = request.invocation.layers.count
        if let names = request.overlay?.layers {
            let layers = LayerNames(bundle: request.bundle)
            self.layers = names.map { name in
                Result { () throws(Failure) in try layers.directories(name.value) }
            }
            for case .success(let found) in self.layers { count += found.count }
        } else if request.spec.root?.path != nil {
            count += 1
        }
        if let upper = request.keptUpper {
            snapshots = Result { () throws(Failure) in
                try SnapshotPlan(upper.value, taking: request.invocation.snapshot, over: count)
            }
        } else if request.isBare {
            // No layer has a directory to be marked.
        } else if request.invocation.privilege != .full, !KernelProbe.tmpfsTakesUserAttributes {
            discardedUpper = HostFacts.canUseScratch(request) ? .scratch : .memoryWithoutAttributes
        }
    }

    private static func canUseScratch(_ request: Request) -> Bool {
        guard let scratch = request.invocation.scratch, request.overlay?.size == nil,
            request.overlay?.inodes == nil
        else { return false }
        return ScratchUppers.canLie(in: scratch)
    }

    private mutating func gatherSeccomp(_ request: Request, _ cache: SeccompCache?) {
        var text: ArraySlice<UInt8>?
        if let value = request.spec.linux?.seccomp {
            text = value.text
        } else if let name = request.spec.vfs?.seccomp {
            let found = HostFacts.profile(name.value, request.bundle)
            seccompProfile = found
            if case .success(let bytes) = found { text = HostFacts.trimmed(bytes) }
        }
        // A profile that notifies has a listener, which the compiled filter does not name.
        if let text, let filter = cache?.find(text), !filter.notifies { seccompFilter = filter }
    }

    private static func profile(
        _ name: String, _ bundle: String
    ) -> Result<[UInt8], Failure> {
        if let builtIn = BuiltInProfile(rawValue: name) { return .success(builtIn.bytes) }
        let path = PathText.absolute(name, from: bundle)
        return Result { () throws(Failure) in
            try attempt("open", on: path, try HostPath.read(path))
        }
    }

    private static func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }
        let end = bytes.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? 0
        return bytes[..<end].drop(while: isSpace)
    }
}
