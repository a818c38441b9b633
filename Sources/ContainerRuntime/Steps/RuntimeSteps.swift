internal import Cgroups
internal import Layers
internal import LinuxSystem
internal import OCISpec
internal import Overlay
internal import Seccomp
internal import SystemPackage

/// The runtime must run from a read-only mount of its own binary before anything of the container
/// exists: through `/proc/PID/exe` a container could otherwise overwrite it (CVE-2019-5736).
///
/// Whoever is not root may mount nothing here. Then the binary must be somebody else's, whom no id
/// of the container's stands for; a copy in memory that can no more be changed is run where it is
/// not.
struct RequireSeal: Step {
    /// Whoever the container's ids stand for, where the runtime is not root.
    var users: IDMap?

    let side = Side.runtime
    var summary: String {
        users == nil
            ? "run from a sealed mount of the runtime's own binary"
            : "run from a binary that the container cannot write"
    }

    func apply(_ context: StartContext) throws(StepError) {
        if let users { return try requireForeign(users) }
        CurrentProcess.seal()
        if CurrentProcess.isSealed { return }
        if Credentials.effectiveUser != 0 {
            throw StepError(
                "this needs root, and --rootless false forbids to do without: leave it out, or run"
                    + " vfs-run as root")
        }
        throw StepError(
            "the binary could not be sealed against being overwritten by a container;"
                + " this needs CAP_SYS_ADMIN, /proc and Linux 5.14")
    }
}

extension RequireSeal {
    private static let binary = "/proc/self/exe"

    private static var reason: String {
        KernelSetting.number("vm/memfd_noexec") == 2 ? " (vm.memfd_noexec is 2)" : ""
    }

    private func requireForeign(_ users: IDMap) throws(StepError) {
        let (path, status) = try stepping("stat", RequireSeal.binary) { () throws(Errno) in
            (
                try HostPath.linkTarget(RequireSeal.binary),
                try FileStatus.of(path: RequireSeal.binary)
            )
        }
        if path.hasPrefix("/memfd:vfs-run") || CurrentProcess.isSealed { return }
        let isOurs = users.reaches(status.userID) || status.userID == Credentials.effectiveUser
        if !isOurs && status.permissions & 0o022 == 0 { return }
        CurrentProcess.sealByCopy()
        throw StepError(
            "the binary \(path) can be written by the container, and no copy of it can be run from"
                + " memory\(RequireSeal.reason); install vfs-run as root's, mode 755")
    }
}

/// Two runs on one upper would destroy it, and the kernel only warns of it in its log.
struct LockUpper: Step {
    /// Holds `upper` and `work`.
    let directory: String
    /// What the run lies on, which has to be what the upper was written over.
    let record: KeptUpper.Record
    let snapshots: SnapshotPlan

    let side = Side.runtime
    var summary: String {
        let freezing = snapshots.taken.map { ", freeze it as the snapshot \($0.name)" } ?? ""
        return "lock the upper in \(directory)\(freezing)"
    }
    let undoing = "the lock goes with the runtime process, the directory stays"

    func apply(_ context: StartContext) throws(StepError) {
        // The mode of the upper is that of the container's root, whatever the caller's umask is.
        Credentials.setFileModeMask(0)
        do throws(LayerError) {
            let kept = try KeptUpper(preparing: directory, over: record.layers)
            try kept.lock()
            try kept.require(record)
            context.upper = try kept.carryOut(snapshots, over: record) {
                (merge) throws(LayerError) in
                try MappedOwners.lend(record.owners, merge)
            }
        } catch {
            throw StepError(error.sentence)
        }
        let taken = snapshots.stacked.map { "snapshots/" + $0.directoryName }
        for name in ["upper", "work"] + taken { try find(name, context) }
    }

    private func find(_ name: String, _ context: StartContext) throws(StepError) {
        let path = "\(directory)/\(name)"
        let opened: OwnedDescriptor?
        do throws(LayerError) {
            opened = try context.upper?.open(name)
        } catch {
            throw StepError(error.sentence)
        }
        guard let opened else { return }
        context.found[path] = try stepping("readlink", path.inQuotes) { () throws(Errno) in
            try FoundDirectory(opened.borrowed)
        }
    }
}

/// What the upper is written over, for those who look at it later; written down when the overlay is
/// there, so that a start that is refused changes nothing.
struct RecordUpper: Step {
    /// Holds `upper` and `work`.
    let directory: String
    let record: KeptUpper.Record

    let side = Side.runtime
    var summary: String { "write down what the upper in \(directory) lies on" }
    let undoing = "the file stays, as the upper does"

    func apply(_ context: StartContext) throws(StepError) {
        guard let upper = context.upper else {
            throw StepError("the plan has no upper at this point")
        }
        do throws(LayerError) {
            try upper.write(record)
        } catch {
            throw StepError(error.sentence)
        }
    }
}

/// The lock ends with the runtime process; the container goes on without it.
struct HoldUpper: Step {
    /// Holds `upper` and `work`.
    let directory: String

    let side = Side.runtime
    var summary: String { "write down who uses the upper in \(directory)" }
    let undoing = "means nothing when the container has ended"

    func apply(_ context: StartContext) throws(StepError) {
        guard let upper = context.upper, let process = context.initProcess else {
            throw StepError("the plan has no upper at this point")
        }
        let identity = try stepping("open", "/proc/\(process.pid)/stat") { () throws(Errno) in
            try ProcessIdentity(of: process.pid)
        }
        do {
            try upper.write(user: identity)
        } catch {
            throw StepError(error.sentence)
        }
    }
}

/// A layer may be shared by any number of runs, but not be the upper of one.
struct LockLayer: Step {
    let path: String

    let side = Side.runtime
    var summary: String { "lock the layer \(path)" }

    func apply(_ context: StartContext) throws(StepError) {
        let layer: OverlayDirectory
        do throws(OverlayError) {
            layer = try OverlayDirectory(opening: path, as: "layer")
        } catch {
            throw StepError(error.sentence)
        }
        do throws(LayerError) {
            if let lock = try LayerLock.take(layer.borrowed, path) { context.locks.append(lock) }
        } catch {
            throw StepError(error.sentence)
        }
        context.found[path] = try stepping("readlink", path.inQuotes) { () throws(Errno) in
            try FoundDirectory(layer.borrowed)
        }
    }
}

/// The filter is compiled, or found in the cache, where the host's files are at hand.
struct PrepareSeccomp: Step {
    let profile: Configuration.SeccompProfile
    let cache: SeccompCache

    let side = Side.runtime
    var summary: String {
        guard case .read(let profile) = profile else { return "take the compiled seccomp filter" }
        let names = Set(profile.syscalls.flatMap { $0.names.map(\.value) }).count
        let action = profile.defaultAction?.value.rawValue ?? ""
        return "prepare the seccomp filter: \(names) system calls named, \(action) for the rest"
    }
    let undoing = "the compiled filter stays in the cache"

    func apply(_ context: StartContext) throws(StepError) {
        switch profile {
        case .compiled(let filter): context.seccompFilter = filter
        case .read(let profile):
            do {
                context.seccompFilter = try cache.filter(for: profile)
            } catch {
                throw StepError(error.description)
            }
        }
    }
}

/// Which hierarchies there are is read where the host's `/proc` is.
struct FindControlGroups: Step {
    /// Where they are mounted too.
    let findsPaths: Bool

    let side = Side.runtime
    let summary = "find the host's control group hierarchies"

    func apply(_ context: StartContext) throws(StepError) {
        context.controlGroups = try ControlGroupLayout.read(findsPaths: findsPaths)
    }
}

/// One `clone3` makes the init process with all its namespaces; nothing is unshared that the
/// config does not ask for.
struct CreateNamespaces: SpawningStep {
    let namespaces: NamespaceSet

    var summary: String {
        let names = namespaces.names
        return names.isEmpty
            ? "make the init process with no new namespace"
            : "make the init process in new namespaces: \(names.joined(separator: ", "))"
    }
    let undoing = "the namespaces go with their last process"

    func spawn(
        _ context: StartContext, reporting channel: FileDescriptor, far: FileDescriptor,
        body: @escaping () -> Never
    ) throws(StepError) -> ChildProcess {
        func spawn(_ controlGroup: FileDescriptor?) throws(Errno) -> ChildProcess {
            context.startsInControlGroup = controlGroup != nil
            return try ChildProcess.spawn(
                namespaces, controlGroup: controlGroup, body: body)
        }
        let group = context.controlGroup
        let names = namespaces.names.joined(separator: " ")
        do throws(Errno) {
            return try spawn(group?.version2Descriptor)
        } catch .permissionDenied where group?.version2Descriptor != nil {
            // From another part of the tree only systemd moves a process into a unit of its own; it
            // does so when the process is there.
            if group?.unit != nil {
                return try stepping("clone3", names, advice: CreateNamespaces.advice) {
                    () throws(Errno) in try spawn(nil)
                }
            }
            throw StepError(
                SystemCallError("clone3", names, .permissionDenied),
                "the cgroup above both, this process's own and the container's, has to belong to"
                    + " this user")
        } catch .operationNotSupportedByDevice where group?.version2Descriptor != nil {
            // Others have removed it as an empty one.
            try CreateNamespaces.restoreControlGroup(context)
            return try stepping("clone3", names, advice: CreateNamespaces.advice) {
                () throws(Errno) in try spawn(context.controlGroup?.version2Descriptor)
            }
        } catch {
            throw StepError(
                SystemCallError("clone3", names, error), CreateNamespaces.advice(error))
        }
    }

    private static func restoreControlGroup(_ context: StartContext) throws(StepError) {
        do throws(ControlGroupError) {
            if try context.restoreControlGroup() { return }
        } catch {
            throw StepError(error.sentence)
        }
        throw StepError("the control group was removed before there was a process in it")
    }
}

extension CreateNamespaces {
    static func advice(_ error: Errno) -> String? {
        switch error {
        case .notPermitted, .permissionDenied, .noSpace: NamespaceGate.advice(error)
        case .invalidArgument:
            "the kernel lacks one of these namespaces; \"vfs-run doctor\" tells which"
        default: nil
        }
    }
}

/// Joins a namespace that exists.
struct JoinNamespace: Step {
    let side = Side.container
    let namespace: Configuration.JoinedNamespace
    var summary: String { "join the \(namespace.name) namespace \(namespace.path)" }

    func apply(_ context: StartContext) throws(StepError) {
        let path = namespace.path
        let file = try stepping("open", path.inQuotes) { () throws(Errno) in
            try HostPath.open(path, .readOnly)
        }
        let hosts =
            namespace.kind == .mount ? try refuseHost(file.borrowed) : []
        try stepping(
            "setns", path.inQuotes, advice: { JoinNamespace.advice($0, namespace.name) }
        ) { () throws(Errno) in
            try file.borrowed.joinNamespace(namespace.kind)
        }
        if hosts.isEmpty { return }
        let root = try stepping("statx", "\"/\"") { () throws(Errno) in
            let top = try HostPath.open("/", [.path, .directory])
            return try top.borrowed.mountID()
        }
        if hosts.contains(root) { throw JoinNamespace.isHosts }
    }

    private static let isHosts = StepError(
        "this is the host's mount namespace, in which the container would change the host's files"
            + " and mounts; name that of a container")

    /// As without a mount namespace at all.
    ///
    /// - Returns: The mounts of the host's first process, where it may not be looked into: then the
    ///   namespace is told by its root, once it is joined. No mount is in two namespaces.
    private func refuseHost(_ file: FileDescriptor) throws(StepError) -> Set<UInt64> {
        let wanted = try stepping("stat", namespace.path.inQuotes) { () throws(Errno) in
            try FileStatus.of(file)
        }
        for host in ["/proc/self/ns/mnt", "/proc/1/ns/mnt"] {
            let found: FileStatus
            do throws(Errno) {
                found = try FileStatus.of(path: host)
            } catch .permissionDenied {
                return try mountsOfFirstProcess()
            } catch {
                throw StepError(SystemCallError("stat", host.inQuotes, error))
            }
            if found.inode == wanted.inode && found.device == wanted.device {
                throw JoinNamespace.isHosts
            }
        }
        return []
    }

    private func mountsOfFirstProcess() throws(StepError) -> Set<UInt64> {
        let path = "/proc/1/mountinfo"
        let bytes = try stepping("read", path.inQuotes) { () throws(Errno) in
            try HostPath.read(path)
        }
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        let numbers = lines.compactMap { line in
            UInt64(String(decoding: line.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self))
        }
        if numbers.isEmpty || numbers.count != lines.count {
            throw StepError("\(path.inQuotes) cannot be read as a list of mounts")
        }
        return Set(numbers)
    }

    static func advice(_ error: Errno, _ name: String) -> String? {
        switch error {
        case .invalidArgument where name == "user":
            "the file is not a user namespace, or it is the runtime's own"
        case .invalidArgument: "the file is not a \(name) namespace"
        case .notPermitted: "it belongs to a user namespace that this process has no rights in"
        default: nil
        }
    }
}

extension NamespaceSet {
    /// In the specification's words.
    var names: [String] {
        let all: [(NamespaceSet, String)] = [
            (.mount, "mount"), (.pid, "pid"), (.uts, "uts"), (.network, "network"),
            (.ipc, "ipc"), (.cgroup, "cgroup"), (.user, "user"), (.time, "time"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}
