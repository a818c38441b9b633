internal import Cgroups
internal import Layers
internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// What the runtime process's steps hand to one another.
final class RuntimeContext {
    /// What the init process will have too.
    var handover = Handover()

    /// Locks on layers, held as long as the runtime process lives.
    var locks: [LayerLock] = []
    /// The upper that is kept, locked as long.
    var keptUpper: KeptUpper?
    /// The upper of an overlay that the runtime process has mounted.
    var mountedUpper: OverlayDirectory?
    /// The upper that is thrown away, where the caller wants to see what was written.
    var throwawayUpper: LayerDirectory?
    /// Of a user namespace that is joined.
    var idMappings: IDMappings?

    /// The container's directory among the states.
    var container: StoredContainer?
    /// The container's state, as it was written last.
    var state: ContainerState?
    /// Whether the container is recorded as created.
    var isRecorded = false
    /// The init process, once it is there.
    var initProcess: MadeProcess?
    /// Where the filter's notifications are read and answered.
    var listener: HeldDescriptor?
    /// Where the program says that it is ready, until it has.
    var readiness: ReadinessProxy?

    /// Takes away what the steps have made on the host and nothing takes along; the last first.
    var undoing: [any Undoing] = []
    /// To be waited for.
    var endedWatchdog: Int32?
    /// What has time until the program runs, in no particular order.
    var afterStart: [() -> Void] = []
    /// Whether the user at `--stop-at` wants to be asked no more.
    var stopsNoMore = false
    /// Tells the caller of a deviation from the config that ends nothing.
    var warn: (String) -> Void = { _ in }

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

    /// Has the watchdog remove control groups, should this process be killed.
    ///
    /// - Parameter shared: Others may have processes in these: they go only while they are empty.
    func watch(own: [String], shared: [String]) {
        CurrentProcess.watch(CStringArray(own + [""] + shared))
    }
}

/// The init process, as the runtime process sees it.
struct MadeProcess {
    let pid: Int32
    /// On loan.
    let pidfd: FileDescriptor
}

/// Something on the host that does not go away by itself.
protocol Undoing {
    func undo() throws(Failure)
}
