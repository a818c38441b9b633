internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// What is mounted from here on must not appear on the host. First of the mount steps: a mount
/// made before it would.
struct SeparateMounts: Step {
    let propagation: Configuration.Propagation
    /// The directory of the host that the root will be mounted on.
    let mountpoint: String

    let side = Side.container
    var summary: String {
        propagation.kind == .shared
            ? "share mounts with the host, but for those on \(mountpoint)"
            : "stop mounts from reaching the host"
    }

    func apply(_ context: StartContext) throws(StepError) {
        if propagation.kind == .shared { return try separateMountpoint() }
        let kind = propagation.kind == .slave ? MountPropagation.slave : .private
        try stepping("mount_setattr", "\"/\" r\(kind.name)") { () throws(Errno) in
            try MountTree.setRootPropagation(kind, recursive: true)
        }
    }
}

extension SeparateMounts {
    /// Shared by request: bind mounts stay peers of the host's. Only the mount that the root will
    /// lie on must be private, or the root would appear on the host, and pivot_root refuses it.
    private func separateMountpoint() throws(StepError) {
        let directory = try Mountpoint.open(mountpoint)
        try stepping("mount_setattr", "private, around \(mountpoint.inQuotes)") {
            () throws(Errno) in
            let top = try MountTree.top(of: directory.borrowed)
            try top.borrowed.setMountPropagation(.private, recursive: false)
        }
    }
}

/// A bind mount's source is opened while the host's tree is there; it is attached when the
/// container's is. In between it hangs nowhere.
struct OpenBindSource: Step {
    let source: String
    let isRecursive: Bool

    let side = Side.container
    var summary: String { "open \(source) for binding" }

    func apply(_ context: StartContext) throws(StepError) {
        let file = try stepping(
            "open", source.inQuotes,
            advice: {
                $0 == .noSuchFileOrDirectory ? "the source of a bind mount must exist" : nil
            }
        ) { () throws(Errno) in
            try HostPath.open(source, .path)
        }
        let opened = try stepping("open_tree", source.inQuotes) { () throws(Errno) in
            BindSource(
                try DetachedMount.clone(file.borrowed, recursive: isRecursive),
                isDirectory: try FileStatus.of(file.borrowed).kind == .directory)
        }
        context.bindSources.append(opened)
    }
}

/// `root.path` itself becomes the root, as the OCI specification has it.
struct MountRootDirectory: Step {
    let path: String

    let side = Side.container
    var summary: String { "bind \(path) as the root" }

    func apply(_ context: StartContext) throws(StepError) {
        let target = try Mountpoint.open(path)
        let tree = try stepping("open_tree", path.inQuotes) { () throws(Errno) in
            try DetachedMount.clone(target.borrowed, recursive: true)
        }
        try stepping("move_mount", path.inQuotes) { () throws(Errno) in
            try tree.attach(to: target.borrowed)
        }
        context.root = HeldRoot(RootDirectory(tree.release()))
    }
}

/// The layers and the writable layer become one tree.
struct MountOverlay: Step {
    /// Bottom first.
    let layers: [String]
    let upper: Configuration.Root.Upper
    let options: [String]

    /// - Parameter label: The SELinux context of all that is in it.
    init(_ overlay: Configuration.Root.Overlay, label: String? = nil) {
        layers = overlay.layers.map(\.value)
        upper = overlay.upper
        options = overlay.options.map(\.value) + (label.map { ["context=" + $0] } ?? [])
    }

    let side = Side.container
    var summary: String {
        let lower =
            layers.count == 1 ? layers[0] : "\(layers.count) layers, \(layers[0]) at the bottom"
        let top =
            switch upper {
            case .throwaway(let size):
                "a throw-away upper" + (size.map { " of \($0.value)" } ?? "")
            case .kept(let directory): "the upper in \(directory.value)"
            }
        let extra = options.isEmpty ? "" : " " + options.joined(separator: ",")
        return "mount overlay on /: \(lower), with \(top)\(extra)"
    }
    var undoing: String {
        switch upper {
        case .throwaway: "the upper is a tmpfs that goes with the mount namespace"
        case .kept: "the mount goes with the mount namespace, the upper stays"
        }
    }

    func apply(_ context: StartContext) throws(StepError) {
        // Every layer is opened before anything is mounted: the mountpoint is one of them.
        var lowers: [OverlayDirectory] = []
        for path in layers { lowers.append(try open(path, "layer")) }
        let target = try Mountpoint.open(layers[0])
        let (upper, work, place) = try openUpper(target)
        let overlay = OverlayMount(lowers: lowers, upper: upper, work: work, options: options)
        do {
            let root = try overlay.mount(on: place.borrowed)
            context.root = HeldRoot(RootDirectory(root))
            context.mountedUpper = upper
        } catch {
            throw StepError(error.sentence)
        }
    }

    /// The upper, the work directory, and what the overlay is mounted on.
    private func openUpper(
        _ target: borrowing OwnedDescriptor
    ) throws(StepError) -> (
        upper: OverlayDirectory, work: OverlayDirectory, place: HeldDescriptor
    ) {
        switch upper {
        case .kept(let directory):
            let place = try stepping("dup") { () throws(Errno) in
                HeldDescriptor(try OwnedDescriptor.duplicate(target.borrowed))
            }
            return (
                try open("\(directory.value)/upper", "upper"),
                try open("\(directory.value)/work", "work directory"), place
            )
        case .throwaway(let size):
            // Before Linux 6.15 the kernel takes no upper from a mount that hangs nowhere, so the
            // tmpfs is attached: in this mount namespace, under the overlay, out of sight.
            let scratch = try stepping("mount", "tmpfs") { () throws(Errno) in
                let tmpfs = try FileSystemContext("tmpfs")
                if let size { try tmpfs.set("size", size.value) }
                try tmpfs.set("mode", "755")
                try tmpfs.create()
                let mount = try tmpfs.mount()
                try mount.attach(to: target.borrowed)
                return HeldDescriptor(mount.release())
            }
            return (
                try make("upper", in: scratch, mode: 0o755),
                try make("work", in: scratch, mode: 0o700), scratch
            )
        }
    }

    private func make(
        _ name: String, in scratch: HeldDescriptor, mode: UInt32
    ) throws(StepError) -> OverlayDirectory {
        try stepping("mkdir", name.inQuotes) { () throws(Errno) in
            try scratch.borrowed.makeDirectory(name, mode: mode)
            let made = try scratch.borrowed.open(name, [.path, .directory])
            return OverlayDirectory(path: "throw-away \(name)", descriptor: made)
        }
    }

    private func open(_ path: String, _ role: String) throws(StepError) -> OverlayDirectory {
        do {
            return try OverlayDirectory(opening: path, as: role)
        } catch {
            throw StepError(error.sentence)
        }
    }
}

/// The upper of a run that is thrown away is seen by the container alone: to look at it when the
/// container has ended, the runtime process holds it open. With that process it goes.
struct HandOverUpper: Step {
    let side = Side.container
    let summary = "hand the upper over for --diff"
    let undoing = "goes with the runtime process"

    func apply(_ context: StartContext) throws(StepError) {
        guard let upper = context.mountedUpper, let held = context.channel else {
            throw StepError("the plan has no upper at this point")
        }
        try stepping("open", upper.path.inQuotes) { () throws(Errno) in
            let readable = try upper.borrowed.open(".", [.readOnly, .directory])
            try held.channel.send(InitMessage.upper.encoded, passing: readable.borrowed)
        }
    }
}

/// The directory of the host that the container's root is mounted on, in the container's mount
/// namespace only.
enum Mountpoint {
    static func open(_ path: String) throws(StepError) -> OwnedDescriptor {
        do {
            return try HostPath.open(path, [.path, .directory])
        } catch .noSuchFileOrDirectory {
            throw StepError("the root file system \"\(path)\" does not exist")
        } catch .notDirectory {
            throw StepError("the root file system \"\(path)\" is not a directory")
        } catch {
            throw StepError(SystemCallError("open", path.inQuotes, error))
        }
    }
}

/// The container's tree becomes the root, and the host's is let go. After this step no path leads
/// to the host any more; before it, bind sources and layers must be open.
struct PivotRoot: Step {
    let side = Side.container
    let summary = "make it the root (pivot_root) and let go of the host's tree"

    func apply(_ context: StartContext) throws(StepError) {
        let root = try context.openRoot()
        try stepping("fchdir", "to the new root") { () throws(Errno) in
            try CurrentProcess.changeDirectory(root.directory.borrowed)
        }
        do {
            try MountTree.pivotToWorkingDirectory()
        } catch {
            throw StepError(error)
        }
    }
}

/// `linux.rootfsPropagation`: after the pivot, which a shared root would forbid.
struct SetRootPropagation: Step {
    let propagation: Configuration.Propagation

    let side = Side.container
    var summary: String {
        "make the root \(propagation.isRecursive ? "r" : "")\(propagation.kind.name)"
    }

    func apply(_ context: StartContext) throws(StepError) {
        let root = try context.openRoot()
        try stepping("mount_setattr", "\"/\"") { () throws(Errno) in
            try root.directory.borrowed.setMountPropagation(
                propagation.kind, recursive: propagation.isRecursive)
        }
    }
}

/// `root.readonly`: after everything that makes files or directories in it.
struct ProtectRoot: Step {
    let side = Side.container
    let summary = "make the root read-only"

    func apply(_ context: StartContext) throws(StepError) {
        let root = try context.openRoot()
        try stepping("mount_setattr", "\"/\" ro") { () throws(Errno) in
            try root.directory.borrowed.setMountAttributes(set: .readOnly)
        }
    }
}
