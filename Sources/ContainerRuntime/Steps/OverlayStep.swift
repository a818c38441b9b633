internal import Layers
internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// The layers and the writable layer become one tree.
///
/// Of the runtime where the container has a user namespace and the runtime is root: mounted inside
/// it, an overlay could be less, and of its layers the container's root might not see a thing. It is
/// made in a mount namespace of its own then, and hangs nowhere until the init process attaches it.
struct MountOverlay: Step {
    /// Bottom first.
    let layers: [String]
    let upper: Configuration.Root.Upper
    let options: [String]
    /// Whether the topmost layer is a snapshot of the upper, which a new upper follows.
    let followsSnapshot: Bool
    /// The container's, where the runtime makes it.
    let mappings: IDMappings?
    let side: Side

    /// - Parameters:
    ///   - label: The SELinux context of all that is in it.
    ///   - privilege: Who mounts it: attributes that are the machine's root's alone are
    ///     kept in others, which belong to the user.
    init(
        _ overlay: Configuration.Root.Overlay, label: String? = nil, side: Side = .container,
        mappings: IDMappings? = nil, privilege: Configuration.Privilege = .full
    ) {
        layers = overlay.layers.map(\.value)
        upper = overlay.upper
        followsSnapshot = !overlay.snapshots.stacked.isEmpty
        options = overlay.mountOptions(privilege) + (label.map { ["context=" + $0] } ?? [])
        self.side = side
        self.mappings = mappings
    }

    var summary: String {
        let lower =
            layers.count == 1 ? layers[0] : "\(layers.count) layers, \(layers[0]) at the bottom"
        let top =
            switch upper {
            case .throwaway(let size, let inodes):
                "a throw-away upper" + (size.map { " of \($0.value)" } ?? "")
                    + (inodes.map { " and \($0.value) files" } ?? "")
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
        if side == .container {
            context.root = HeldRoot(RootDirectory(try mount(context, mapping: nil)))
            return
        }
        guard let mappings = mappings ?? context.idMappings else {
            throw StepError("the plan knows no mappings for the overlay")
        }
        let answers = try stepping("clone3", "mount") { () throws(Errno) in
            try ChildProcess.runAside(.mount) { channel in
                do throws(StepError) {
                    try mountAside(context, mappings, answering: channel)
                } catch {
                    let words = InitMessage.failed(step: 0, error)
                    // Where it cannot say so, nothing to be received says that it failed.
                    _ = try? channel.send(words.encoded)
                }
            }
        }
        let tree = try take(.root, from: answers)
        context.rootTree = BindSource(DetachedMount(tree), isDirectory: true)
        context.mountedUpper = OverlayDirectory(
            path: "upper", descriptor: try take(.upper, from: answers))
    }

    private func mountAside(
        _ context: StartContext, _ mapping: IDMappings, answering channel: borrowing Channel
    ) throws(StepError) {
        try stepping("mount_setattr", "\"/\" rslave") { () throws(Errno) in
            try MountTree.setRootPropagation(.slave, recursive: true)
        }
        let root = try mount(context, mapping: mapping)
        try stepping("open_tree", "the overlay") { () throws(Errno) in
            let tree = try DetachedMount.clone(root.borrowed, recursive: false)
            try channel.send(InitMessage.root.encoded, passing: tree.borrowed)
            try channel.send(InitMessage.upper.encoded, passing: context.mountedUpper?.borrowed)
        }
    }

    private func take(
        _ wanted: InitMessage, from channel: borrowing Channel
    ) throws(StepError) -> OwnedDescriptor {
        let message = try stepping("recvmsg") { () throws(Errno) in try channel.receive() }
        guard let message else {
            throw StepError("the process that mounts the overlay has ended without a word")
        }
        let found = InitMessage(message.bytes)
        if case .failed(_, let failure) = found { throw failure }
        guard found == wanted, let descriptor = message.takeDescriptor() else {
            throw StepError("the process that mounts the overlay sent an unknown message")
        }
        return descriptor
    }

    /// - Parameter mapping: Whose ids the container's are.
    /// - Returns: The root of the overlay, attached in this mount namespace.
    private func mount(
        _ context: StartContext, mapping: IDMappings?
    ) throws(StepError) -> OwnedDescriptor {
        // Every layer is opened before anything is mounted: the mountpoint is one of them.
        var lowers: [OverlayDirectory] = []
        for path in layers { lowers.append(try open(path, "layer", context)) }
        guard let bottom = lowers.first else {
            throw StepError("an overlay has at least one layer")
        }
        let target = try stepping("dup", bottom.path.inQuotes) { () throws(Errno) in
            try OwnedDescriptor.duplicate(bottom.borrowed)
        }
        if let mapping { lowers = try mapLayers(lowers, mapping) }
        let (upper, work, place) = try openUpper(target, context)
        if let model = followsSnapshot ? lowers.last : lowers.first {
            try dress(upper, work, like: model)
        }
        if let mapping { try give(upper, to: mapping) }
        let overlay = OverlayMount(lowers: lowers, upper: upper, work: work, options: options)
        context.mountedUpper = upper
        do {
            return try overlay.mount(on: place.borrowed)
        } catch {
            throw Failure(error.sentence)
        }
    }

    /// A layer whose top belongs to an id of the container's, and not to one of the host that
    /// stands behind it, is seen with its ids mapped: one layer serves every mapping.
    private func mapLayers(
        _ layers: [OverlayDirectory], _ mapping: IDMappings
    ) throws(StepError) -> [OverlayDirectory] {
        var mapped: [OverlayDirectory] = []
        for layer in layers {
            let owner = try stepping("fstat", layer.path.inQuotes) { () throws(Errno) in
                try FileStatus.of(layer.borrowed)
            }.userID
            if mapping.users.reaches(owner) || !mapping.users.maps(owner) {
                mapped.append(layer)
                continue
            }
            let tree = try stepping("open_tree", layer.path.inQuotes) { () throws(Errno) in
                try DetachedMount.clone(layer.borrowed, recursive: false)
            }
            try mapping.apply(
                to: tree, recursive: false, named: "the layer \(layer.path.inQuotes)")
            // Before Linux 6.15 overlayfs takes nothing that hangs nowhere.
            try stepping("move_mount", layer.path.inQuotes) { () throws(Errno) in
                try tree.attach(to: layer.borrowed)
            }
            mapped.append(OverlayDirectory(path: layer.path, descriptor: tree.release()))
        }
        return mapped
    }

    /// The top of the upper is the container's root directory, with its own mode and owner: a new one
    /// is made like the lowest layer's, which those of an image are written over, or like the snapshot
    /// that it follows. One that a container has had is left as it is.
    private func dress(
        _ upper: OverlayDirectory, _ work: OverlayDirectory, like model: OverlayDirectory
    ) throws(StepError) {
        try stepping("fchownat", upper.path.inQuotes) { () throws(Errno) in
            // The kernel has made something in it with the first mount.
            let place = try work.borrowed.open(".", [.readOnly, .directory])
            if try !place.borrowed.entries().isEmpty { return }
            let (new, old) = (
                try FileStatus.of(model.borrowed), try FileStatus.of(upper.borrowed)
            )
            let isMapped = new.userID != overflowID && new.groupID != overflowID
            if isMapped && (new.userID, new.groupID) != (old.userID, old.groupID) {
                do throws(Errno) {
                    try upper.borrowed.changeOwner(".", user: new.userID, group: new.groupID)
                } catch .notPermitted {
                    // An ordinary user gives nothing away: it stays the user's own.
                }
            }
            try upper.borrowed.changeMode(".", new.permissions)
        }
    }

    /// What the kernel shows for an id that has none in this user namespace.
    private let overflowID: UInt32 = 65534

    /// The top of a new upper is the container's root directory: it belongs to the container's
    /// root. One that holds something is left as it is.
    private func give(_ upper: OverlayDirectory, to mapping: IDMappings) throws(StepError) {
        guard let user = mapping.users.outside(of: 0), let group = mapping.groups.outside(of: 0)
        else { return }
        try stepping("fchownat", upper.path.inQuotes) { () throws(Errno) in
            if mapping.users.reaches(try FileStatus.of(upper.borrowed).userID) { return }
            let top = try upper.borrowed.open(".", [.readOnly, .directory])
            if try top.borrowed.entries().isEmpty {
                try top.borrowed.changeOwner(".", user: user, group: group)
            }
        }
    }

    /// The upper, the work directory, and what the overlay is mounted on.
    private func openUpper(
        _ target: borrowing OwnedDescriptor, _ context: StartContext
    ) throws(StepError) -> (
        upper: OverlayDirectory, work: OverlayDirectory, place: HeldDescriptor
    ) {
        switch upper {
        case .kept(let directory):
            let place = try stepping("dup") { () throws(Errno) in
                HeldDescriptor(try OwnedDescriptor.duplicate(target.borrowed))
            }
            return (
                try open("\(directory.value)/upper", "upper", context),
                try open("\(directory.value)/work", "work directory", context), place
            )
        case .throwaway(let size, let inodes):
            let most = try inodeCount(size?.value, inodes?.value)
            // Before Linux 6.15 the kernel takes no upper from a mount that hangs nowhere, so the
            // tmpfs is attached: in this mount namespace, under the overlay, out of sight.
            let scratch = try stepping("mount", "tmpfs") { () throws(Errno) in
                let tmpfs = try FileSystemContext("tmpfs")
                if let size { try tmpfs.set("size", size.value) }
                if let most { try tmpfs.set("nr_inodes", String(most)) }
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

    /// Nil where the kernel's own measures hold.
    private func inodeCount(_ size: String?, _ inodes: UInt64?) throws(StepError) -> UInt64? {
        if let inodes { return inodes }
        guard let size = size.flatMap(TmpfsSize.init) else { return nil }
        let pages = try stepping("sysconf", "_SC_PHYS_PAGES") { () throws(Errno) in
            try Memory.pages()
        }
        return size.inodes(memoryPages: pages)
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

    private func open(
        _ path: String, _ role: String, _ context: StartContext
    ) throws(StepError) -> OverlayDirectory {
        guard let found = context.found[path] else {
            throw StepError("the plan has not locked the \(role) \(path.inQuotes)")
        }
        return OverlayDirectory(path: path, descriptor: try found.open(named: path))
    }
}
