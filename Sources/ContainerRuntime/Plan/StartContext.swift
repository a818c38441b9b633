internal import Cgroups
internal import Layers
internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// What the steps of one start hand to one another.
///
/// The init process starts with what the runtime's steps have put here: it has a copy of the
/// runtime's memory, so nothing has to be written down in between.
public final class StartContext {
    // Runtime side.

    /// Locks on layers, held as long as the runtime process lives.
    var locks: [LayerLock] = []
    /// Layers and the upper, by their paths, as they were locked.
    var found: [String: FoundDirectory] = [:]
    /// The upper that is kept, locked as long.
    var upper: KeptUpper?
    /// The upper that is thrown away, where somebody wants to see what was written.
    var throwawayUpper: LayerDirectory?
    /// The filter that the process gets.
    var seccompFilter: SeccompFilter?
    /// The hierarchies of control groups, as the runtime process is in them.
    var controlGroups: ControlGroupLayout?
    /// The container's own.
    var controlGroup: ControlGroup?
    /// By which it was made.
    var controlGroupRequest: ControlGroupRequest?
    /// Whether it may make cgroups in it.
    var givesControlGroup = false
    /// Its group of resctrl.
    var resctrlGroup: ResctrlGroup?
    /// Whether `clone3` makes the init process in its cgroup of version 2.
    var startsInControlGroup = false

    /// Of a user namespace that is joined.
    var idMappings: IDMappings?
    /// The container's root, where the runtime makes it.
    var rootTree: BindSource?

    /// The container's directory among the states.
    var container: StoredContainer?
    /// What is known of the container, as it was written last.
    var state: ContainerState?
    /// Whether the container is written down as created.
    var isRecorded = false
    /// The init process, once it is there; the pidfd is on loan.
    var initProcess: (pid: Int32, pidfd: FileDescriptor)?
    /// Where the program says that it is ready, until it has.
    var readiness: ReadinessProxy?
    /// Takes away what the steps have made on the host and nothing takes along; the last first.
    var undoing: [any Undoing] = []
    /// To be waited for.
    var endedWatchdog: Int32?
    /// What has time until the program runs, in no particular order.
    var afterStart: [() -> Void] = []
    /// Whether whoever was asked at `--stop-at` wants to be asked no more.
    var stopsNoMore = false
    /// Of the caller's terminal, where there is one: the container's has it before the program can
    /// ask.
    var callerSize: TerminalSize?

    /// What carries standard streams between the caller and the program.
    var relays: [StreamRelay] = []

    /// Tells the caller of what is not as the config says and ends nothing.
    var warn: (String) -> Void = { _ in }

    // Both sides, each its own.

    /// Where the filter's notifications are read and answered.
    var listener: HeldDescriptor?

    // Container side.

    /// What the init process waits at for its start, by O_PATH.
    var fifo: HeldDescriptor?
    /// The same, open: from the start on the init process reports through it.
    var gate: HeldDescriptor?
    /// The way to the runtime process; open until the program replaces this one.
    var channel: HeldChannel?
    /// The sources of bind mounts, opened while the host's tree is still there; each is taken by
    /// the step that attaches it.
    var bindSources: [BindSource?] = []
    /// The same for control groups that are bound, by their names below `/sys/fs/cgroup`; of
    /// version 2 alone with none.
    var controlGroupTrees: [(name: String, tree: BindSource)] = []
    /// The container's root.
    var root: HeldRoot?
    /// What has been mounted on `/proc`, `/sys` and `/dev` in it.
    var heldMounts = HeldMounts()
    /// New tmpfs that were filled from the image, by their mount ids.
    var copiedMounts: Set<UInt64> = []
    /// The upper of its overlay.
    var mountedUpper: OverlayDirectory?
    /// `/dev/null` of the container, verified, for masking files.
    var nullDevice: HeldDescriptor?
    /// An empty read-only directory, mounted, for masking directories.
    var emptyDirectory: HeldDescriptor?
    /// A procfs of the runtime's own, which nothing can be mounted over.
    var privateProc: HeldRoot?
    /// Contexts of procfs that show the pid namespace that the container joins; nil where it joins none.
    var procContexts: [HeldDescriptor]?
    /// A procfs of that pid namespace.
    var joinedProc: HeldRoot?
    /// This process's pages, as that procfs shows them; whoever waits for the start closes it.
    var pageMap: FileDescriptor?
    /// What the process has been given of the config's capabilities.
    var grantedCapabilities: CapabilitySets?
    /// The limit of processes before it was lifted.
    var processLimit: (soft: UInt64, hard: UInt64)?
    /// The container's end of its terminal.
    var terminalPeer: HeldDescriptor?

    /// The user's home directory, where the config names none.
    var home: String?

    public init() {}

    /// The variables of a program in the container: those of the config, and HOME where they
    /// have none.
    func environment(_ configured: [String]) -> [String] {
        configured + (home.map { ["HOME=" + $0] } ?? [])
    }

    /// What the init process goes on with. Its descriptors are numbers of its own table: were they
    /// kept in the runtime's context, the runtime would close its own ones by them.
    func forInitProcess() -> StartContext {
        let context = StartContext()
        context.seccompFilter = seccompFilter
        context.found = found
        context.controlGroups = controlGroups
        context.container = container
        context.state = state
        context.fifo = fifo
        context.callerSize = callerSize
        // The paths alone: its descriptors belong to the runtime's.
        context.controlGroup = controlGroup.map { ControlGroup(paths: $0.paths) }
        context.controlGroupRequest = controlGroupRequest
        context.startsInControlGroup = startsInControlGroup
        context.resctrlGroup = resctrlGroup
        context.givesControlGroup = givesControlGroup
        // Numbers that its table has too, and that it never closes: they stay these objects'.
        context.bindSources = bindSources
        context.rootTree = rootTree
        context.privateProc = privateProc
        context.joinedProc = joinedProc
        context.procContexts = procContexts
        context.relays = relays
        return context
    }

    /// Has the watchdog remove control groups, should this process be killed.
    ///
    /// - Parameter shared: Others may have processes in these: they go only while they are empty.
    func watch(own: [String], shared: [String]) {
        CurrentProcess.watch(CStringArray(own + [""] + shared))
    }

    /// Makes the control group anew where others have removed it before there was a process in it:
    /// once, for those who do it on and on are not to be outrun.
    ///
    /// - Returns: Whether it was.
    func restoreControlGroup() throws(ControlGroupError) -> Bool {
        guard let request = controlGroupRequest.take(),
            let restored = try controlGroup?.restored(request)
        else { return false }
        controlGroup = restored
        return true
    }

    /// The container's root; a plan puts the step that makes it before those that use it.
    func openRoot() throws(StepError) -> HeldRoot {
        guard let root else { throw StepError("the plan has no root file system at this point") }
        return root
    }

    /// The init process, as the runtime's steps see it; a plan puts the step that makes it before
    /// those that do something to it. Never the runtime's own, which 0 would be to the kernel.
    func madeProcess() throws(StepError) -> (pid: Int32, pidfd: FileDescriptor) {
        guard let initProcess else { throw StepError("the plan has no process at this point") }
        return initProcess
    }

    /// Keeps the source of a bind mount until it is attached.
    func keep(_ source: BindSource, at position: Int) {
        while bindSources.count <= position { bindSources.append(nil) }
        bindSources[position] = source
    }

    /// A procfs nobody else has seen, for what the runtime itself has to write
    /// (CVE-2019-16884, CVE-2025-52881).
    func openPrivateProc() throws(StepError) -> HeldRoot {
        if let privateProc { return privateProc }
        let made = try stepping("fsopen", "proc") { () throws(Errno) in
            try StartContext.makePrivateProc()
        }
        privateProc = made
        return made
    }

    /// The host's, for a process that has no number in a procfs of its own.
    ///
    /// - Returns: Its descriptor.
    func openHostProc() throws(StepError) -> FileDescriptor {
        let (proc, magic) = try stepping("open", "\"/proc\"") { () throws(Errno) in
            let opened = try HostPath.open("/proc", [.path, .directory])
            let magic = try FileSystemMagic.of(opened.borrowed)
            return (HeldRoot(RootDirectory(opened)), magic)
        }
        if magic != .procfs { throw StepError("/proc is no procfs") }
        privateProc = proc
        return proc.directory.borrowed
    }

    /// A procfs of the pid namespace that this process has joined for its children.
    ///
    /// The right to mount it is the one to join that namespace. The mount namespace may not allow it:
    /// then it stays missing, and a later step tries again.
    func openJoinedProc() throws(StepError) {
        if joinedProc != nil { return }
        guard let proc = try takeProcContext() else {
            throw StepError("the plan joins no pid namespace")
        }
        do throws(Errno) {
            try proc.create()
            joinedProc = HeldRoot(RootDirectory(try proc.mount().release()))
        } catch .notPermitted, .permissionDenied {
        } catch {
            throw StepError(SystemCallError("fsopen", "proc", error))
        }
    }

    /// For one mount; nil where procfs of this process's own pid namespace is right.
    func takeProcContext() throws(StepError) -> FileSystemContext? {
        guard let held = procContexts?.popLast() else {
            if procContexts == nil { return nil }
            throw StepError("the plan has not prepared this mount of proc")
        }
        return try stepping("fcntl", "proc") { () throws(Errno) in
            FileSystemContext(try OwnedDescriptor.duplicate(held.borrowed), "proc")
        }
    }

    static func makePrivateProc() throws(Errno) -> HeldRoot {
        let context = try FileSystemContext("proc")
        try context.create()
        return HeldRoot(RootDirectory(try context.mount().release()))
    }
}

/// Something on the host that does not go away by itself.
protocol Undoing {
    func undo() throws(RuntimeError)
}

/// A descriptor in the context, which is a class and so cannot hold it bare.
final class HeldDescriptor: Sendable {
    private let owned: OwnedDescriptor

    init(_ owned: consuming OwnedDescriptor) {
        self.owned = owned
    }

    var borrowed: FileDescriptor { owned.borrowed }
}

final class HeldRoot: Sendable {
    let directory: RootDirectory

    init(_ directory: consuming RootDirectory) {
        self.directory = directory
    }
}

final class HeldChannel: Sendable {
    let channel: Channel

    init(_ channel: consuming Channel) {
        self.channel = channel
    }
}

final class BindSource: Sendable {
    let tree: DetachedMount
    let isDirectory: Bool

    init(_ tree: consuming DetachedMount, isDirectory: Bool) {
        self.tree = tree
        self.isDirectory = isDirectory
    }
}
