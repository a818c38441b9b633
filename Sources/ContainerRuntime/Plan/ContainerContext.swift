internal import Cgroups
internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// The values that the init process's steps hand to one another.
final class ContainerContext {
    /// The runtime process's part.
    let handover: Handover
    /// The job of a batch, once there is one.
    var job: PlannedJob?
    /// The way to the runtime process; open until the program replaces this one.
    var channel: HeldChannel?
    /// The fifo of the start, open: from the start on the init process reports through it.
    var gate: HeldDescriptor?

    /// Cgroups that are bound, by their names below `/sys/fs/cgroup`; of version 2 alone with none.
    var controlGroupTrees: [(name: String, tree: BindSource)]?
    /// The layers and uppers, once the first overlay is about to be mounted.
    var openedLayers: OpenedLayers?
    /// The tmpfs that holds every upper that is thrown away.
    var scratch: HeldDescriptor?
    /// The container's root.
    var root: HeldRoot?
    /// The mounts on `/proc`, `/sys` and `/dev` in it.
    var heldMounts = HeldMounts()
    /// New tmpfs that were filled from the image, by their mount ids.
    var copiedMounts: Set<UInt64> = []
    /// The uppers of copy-on-write trees.
    var mountedTrees: [Int: OverlayDirectory] = [:]
    /// The upper of its overlay.
    var mountedUpper: OverlayDirectory?
    /// Where criu finds the container's trees.
    var stage: HeldDescriptor?
    /// The sources of bind mounts, where they lie in it.
    var stagedSources: [BindSource] = []
    /// `/dev/null` of the container, verified, for masking files.
    var nullDevice: HeldDescriptor?
    /// An empty read-only directory, mounted, for masking directories.
    var emptyDirectory: HeldDescriptor?
    /// A procfs of the runtime's own, which nothing can be mounted over.
    var privateProc: HeldRoot?
    /// Contexts of procfs that show the pid namespace that the container joins; nil where it joins
    /// none.
    var procContexts: [HeldDescriptor]?
    /// A procfs of that pid namespace.
    var joinedProc: HeldRoot?
    /// This process's pages, as that procfs shows them; the step that waits for the start closes it.
    var pageMap: FileDescriptor?
    /// The capabilities of the config that the process has been given.
    var grantedCapabilities: CapabilitySets?
    /// The limit of processes before it was lifted.
    var processLimit: (soft: UInt64, hard: UInt64)?
    /// The container's end of its terminal.
    var terminal: HeldDescriptor?
    /// Where the filter's notifications are read and answered.
    var listener: HeldDescriptor?
    /// What the init beside the program had used before it made the program's process.
    var usageOfInit: ProcessUsage?
    /// What Landlock is to allow the program.
    var landlockRules: HeldRules?
    /// What this process had used when the filter was installed.
    var usageBeforeFilter: ProcessUsage?
    /// The user's home directory, where the config names none.
    var home: String?

    init(_ handover: Handover, channel: HeldChannel?) {
        self.handover = handover
        self.channel = channel
        privateProc = handover.privateProc
        joinedProc = handover.joinedProc
        procContexts = handover.procContexts
        // Its paths alone: the locks and systemd are the runtime process's.
        self.handover.controlGroup = handover.controlGroup.map {
            ControlGroup(paths: $0.paths, belowRoot: $0.belowRoot)
        }
    }

    /// Where the init process reports: to the runtime process, or to `start`.
    var reports: FileDescriptor? { gate?.borrowed ?? channel?.channel.borrowed }

    /// The variables of a program in the container: those of the config, and HOME where they
    /// have none.
    func environment(_ configured: [String]) -> [String] {
        configured + (home.map { ["HOME=" + $0] } ?? [])
    }

    /// A procfs that no other process has seen, for what the runtime itself has to write
    /// (CVE-2019-16884, CVE-2025-52881).
    func openPrivateProc() throws(Failure) -> HeldRoot {
        if let privateProc { return privateProc }
        let made = try attempt("fsopen", "proc", try ContainerContext.makePrivateProc())
        privateProc = made
        return made
    }

    /// A procfs of the pid namespace that is joined.
    ///
    /// The right to mount it is the one to join that namespace. The mount namespace may not allow it:
    /// then it stays missing, and a later step tries again.
    func openJoinedProc() throws(Failure) {
        if joinedProc != nil { return }
        guard let proc = try takeProcContext() else {
            throw Failure("the plan joins no pid namespace")
        }
        do throws(Errno) {
            try proc.create()
            joinedProc = HeldRoot(RootDirectory(try proc.mount().release()))
        } catch .notPermitted, .permissionDenied {
        } catch {
            throw Failure("fsmount", "proc", error)
        }
    }

    /// For one mount; nil where procfs of this process's own pid namespace is right.
    func takeProcContext() throws(Failure) -> FileSystemContext? {
        guard let held = procContexts?.popLast() else {
            if procContexts == nil { return nil }
            throw Failure("the plan has not prepared this mount of proc")
        }
        let own = try attempt("fcntl", "proc", try OwnedDescriptor.duplicate(held.borrowed))
        return FileSystemContext(own, "proc")
    }

    static func makePrivateProc() throws(Errno) -> HeldRoot {
        let context = try FileSystemContext("proc")
        try context.create()
        return HeldRoot(RootDirectory(try context.mount().release()))
    }
}
