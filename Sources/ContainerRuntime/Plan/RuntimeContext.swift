internal import Cgroups
internal import Layers
internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// The values that the runtime process's steps hand to one another.
final class RuntimeContext {
    /// The init process's part.
    let handover = Handover()
    /// What earlier starts of the same plan have left for this one; nil where there is one start.
    let prepared: PreparedStart?

    /// Locks on layers, held as long as the runtime process lives.
    var locks: [LayerLock] = []
    /// The root's upper, where it is kept, locked as long.
    var keptUpper: KeptUpper?
    /// Every upper that is kept, by its directory.
    var keptUppers: [String: KeptUpper]?
    /// User namespaces by whose mappings mounts are id-mapped.
    let mappingNamespaces: MappingNamespaces
    /// The upper of an overlay that the runtime process has mounted.
    var mountedUpper: OverlayDirectory?
    /// Those of copy-on-write trees.
    var mountedTrees: [Int: OverlayDirectory] = [:]
    /// The upper that is thrown away, where the caller wants to see what was written.
    var throwawayUpper: LayerDirectory?
    /// Those of copy-on-write trees.
    var throwawayTrees: [Int: LayerDirectory] = [:]
    /// Of a user namespace that is joined.
    var idMappings: IDMappings?

    /// The files in the place of standard streams, and the last one that was made for output.
    var streamFiles: [StandardStream: HeldDescriptor] = [:]
    var streamPath: String?

    /// The program that passes the container's packets on.
    var networkHelper: Companion?
    /// The socket that connections of the container go to.
    var proxy: ProxyPlace?

    /// The container's directory among the states.
    var container: StoredContainer?
    /// The container's state, as it was written last.
    var state: ContainerState?
    /// Whether the container is recorded as created.
    var isRecorded = false
    /// The init process, once it is there.
    var initProcess: MadeProcess?
    /// The program's process beside an init; nil where the init process becomes the program.
    var program: Int32?
    /// Where the init tells how the program has ended, until the supervisor has taken it.
    var report: InitReport?
    /// Where the filter's notifications are read and answered.
    var listener: HeldDescriptor?
    /// Answers them, where the caller wants to be told.
    var notices: CallNotices?
    /// Where the program says that it is ready, until it has.
    var readiness: ReadinessSocket?

    /// Whether the poststop hooks are to run: the container has come to be and is not removed yet.
    var owesPoststop = false
    /// Whether what the container wrote lies in a directory that has to be removed.
    var hasScratchUpper = false
    /// The groups of a container whose state is damaged.
    var announcedGroups: ResourceGroups?
    /// Whether a failure of the step ends a container that other commands have made.
    var endsContainer = false
    /// In the control group of a container that another process joins, until it is given back.
    var room: HeldDescriptor?
    /// Of a process of `exec`, below the container's cgroup.
    var innerGroup: ControlGroup.Inner?
    /// The process that ends the container when this process is killed.
    var watchdog: Watchdog?
    /// The signals for the container, from before there was one.
    var signals: SignalQueue?
    /// The caller's terminal, where the container's is shown on it.
    var terminal: TerminalSettings?
    /// Passes on what the program says of itself until it is ready.
    var followReadiness: (AwaitedReadiness) -> Void = { _ in }
    /// Of a checkpoint.
    var images: CheckpointImages?
    /// The conversation with criu, while it works.
    var criu: CRIUConversation?
    /// The directories of the images and of the log, by their numbers in its table, where it has been
    /// given them.
    var criuDirectories: (images: CInt, work: CInt)?
    /// The file with its settings, until it has read it.
    var criuConfig: HeldDescriptor?
    /// criu itself, where this process waits for it.
    var criuProcess: HeldProcess?
    /// The container's first process, where no session holds it.
    var held: HeldDescriptor?
    /// The process that criu has restored, until the supervisor has taken it.
    var restored: Int32?
    /// Its terminal.
    var restoredTerminal: HeldDescriptor?
    /// Whether the user at `--stop-at` wants to be asked no more.
    var stopsNoMore = false
    /// What `step` has seen at the last stop, before the step of that number.
    var lastView: (number: Int, view: ProcessView)?
    /// Takes what is seen before each step, where a page is asked for.
    var views: ProcessViews?
    /// Tells the caller of a deviation from the config that ends nothing.
    var warn: (String) -> Void = { _ in }

    init(_ prepared: PreparedStart? = nil) {
        self.prepared = prepared
        mappingNamespaces = prepared?.mappingNamespaces ?? MappingNamespaces()
    }

    /// The host's procfs, for a process that has no pid in the container's.
    ///
    /// - Returns: Its descriptor.
    func openHostProc() throws(Failure) -> FileDescriptor {
        let opened = try attempt(
            "open", on: "/proc", try HostPath.open("/proc", [.path, .directory]))
        let magic = try attempt("fstatfs", on: "/proc", try FileSystemMagic.of(opened.borrowed))
        if magic != .procfs { throw Failure("/proc is no procfs") }
        let proc = HeldRoot(RootDirectory(opened))
        handover.privateProc = proc
        return proc.directory.borrowed
    }

    /// - Parameter tree: The number of a copy-on-write tree; nil for the root.
    func keep(_ upper: LayerDirectory, of tree: Int?) {
        if let tree {
            throwawayTrees[tree] = upper
        } else {
            throwawayUpper = upper
        }
    }

    /// Has the watchdog remove control groups, should this process be killed.
    ///
    /// - Parameter shared: Others may have processes in these: they go only while they are empty.
    func watch(own: [String], shared: [String]) {
        let names = CStringArray(own + [""] + shared)
        guard let prepared else { return CurrentProcess.watch(names) }
        CurrentProcess.watch(borrowed: names)
        prepared.watchedNames = names
    }
}

/// The init process, as the runtime process sees it.
struct MadeProcess {
    let pid: Int32
    /// On loan.
    let pidfd: FileDescriptor
}
