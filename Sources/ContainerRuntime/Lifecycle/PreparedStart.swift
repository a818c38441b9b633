internal import Cgroups
internal import Layers
public import LinuxSystem
internal import Seccomp
internal import SystemPackage

/// What the starts of one plan have in common, one after the other: made by the first, and held by the
/// runtime process until it needs it no more. Every step that can leave something here says so.
public final class PreparedStart {
    /// Compiled, or taken from the cache, once.
    var filter: SeccompFilter?
    /// Layers as they were locked, by their paths.
    var layers: [String: FoundDirectory] = [:]
    var locks: [LayerLock] = []
    /// The sources of bind mounts by their positions. Each start attaches a clone.
    var sources: [Int: BindSource] = [:]
    /// What was opened, by the names that the caller has given.
    private var places: [(path: String, status: FileStatus)] = []
    /// User namespaces by whose mappings mounts are id-mapped.
    let mappingNamespaces = MappingNamespaces()
    private var openedLayers: OpenedLayers?
    var watchdog: Watchdog?
    /// What the watchdog removes, in its memory too.
    var watchedNames: CStringArray?
    var lifeline: FileDescriptor?
    /// Whether an overlay needs no process with a mount namespace of its own.
    public private(set) lazy var mountsDetached = MountOverlayAside.isDetached
    /// Whether the tmpfs of the uppers that are thrown away stays for the next start.
    public var keepsScratch = false
    /// That tmpfs.
    public internal(set) var scratch: HeldDescriptor?
    /// In memory: the job that runs, or will run next.
    private(set) var job: HeldDescriptor?
    /// Of control groups, as the first start has found them.
    var hierarchies: Hierarchies?
    /// Whether stale control groups were looked for.
    var hasSwept = false

    public init() {}

    /// Takes note of what was opened.
    func note(_ path: String, _ opened: FileDescriptor) throws(Failure) {
        places.append((path, try attempt("fstat", on: path, try FileStatus.of(opened))))
    }

    /// Whether a layer or the source of a bind mount is another one by now, or gone: then what is held
    /// is not what the caller names.
    public var isOutdated: Bool {
        places.contains { path, status in
            do throws(Errno) {
                return try !FileStatus.of(path: path).isSame(as: status)
            } catch {
                return true
            }
        }
    }

    /// The layers, opened once.
    func layers(_ found: [String: FoundDirectory]) throws(Failure) -> OpenedLayers {
        if let openedLayers { return openedLayers }
        let opened = try OpenedLayers(found)
        openedLayers = opened
        return opened
    }

    /// The file of the job, empty.
    func emptyJob() throws(Failure) -> HeldDescriptor {
        let file: HeldDescriptor
        if let job {
            file = job
        } else {
            file = HeldDescriptor(
                try attempt("memfd_create", try TemporaryFile.create("vfs-run-job")))
        }
        job = file
        func empty() throws(Errno) {
            try file.borrowed.setSize(0)
            try file.borrowed.move(to: 0)
        }
        try attempt("ftruncate", "of the job", try empty())
        return file
    }

    /// Leaves the host's network for a new one that has no interface up and that no process in a user
    /// namespace has rights over.
    public static func separateNetwork() throws(Failure) {
        try attempt("unshare", "CLONE_NEWNET", try CurrentProcess.leaveNamespaces(.network))
    }

    /// Lets go of what belongs to a plan: the next start is of another one.
    public func forget() {
        filter = nil
        layers = [:]
        locks = []
        sources = [:]
        places = []
        openedLayers = nil
    }

    /// Ends what is held beside this process.
    public func end() { watchdog.take()?.end() }
}
