internal import Layers
internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// The layers and the writable layer, which become one tree.
struct OverlayAssembly {
    /// Bottom first.
    let layers: [String]
    let upper: Configuration.Root.Upper
    let options: [String]
    /// Whether the topmost layer is a snapshot of the upper, which a new upper follows.
    let followsSnapshot: Bool
    /// Whether the upper may lie in a layer.
    private let isUpperHidden: Bool
    /// Whether the mounts are attached in this mount namespace, as kernels before Linux 6.15 need it.
    var isAttached = true
    /// Where its tree is seen.
    private let place: String
    /// Of the names of its directories on the tmpfs of the uppers that are thrown away.
    let suffix: String

    init(_ overlay: Configuration.Root.Overlay, of configuration: Configuration) {
        layers = overlay.layers.map(\.value)
        upper = overlay.upper
        followsSnapshot = !overlay.snapshots.stacked.isEmpty
        options = overlay.mountOptions(configuration.privilege) + configuration.labelOptions
        if case .kept(let directory) = overlay.upper {
            isUpperHidden = overlay.isUpperHidden(directory.value, configuration)
        } else {
            isUpperHidden = false
        }
        place = "/"
        suffix = ""
    }

    /// A copy-on-write tree. Its throw-away upper lies on the same tmpfs as the root's, so that one
    /// limit holds for both.
    init(
        _ tree: Configuration.CopyOnWriteTree, at destination: String, origin: Origin,
        of configuration: Configuration
    ) {
        layers = [tree.path]
        upper =
            tree.upper.map { .kept(Setting($0, origin)) } ?? configuration.root.throwawayUpper
        followsSnapshot = false
        options = tree.mountOptions(configuration.privilege) + configuration.labelOptions
        isUpperHidden =
            tree.upper.map {
                configuration.hides(upper: $0, in: tree.path, at: destination)
            } ?? false
        place = destination
        suffix = "-\(tree.number)"
    }

    var summary: String {
        if layers.isEmpty { return "make the root of \(top)" }
        let lower =
            layers.count == 1 ? layers[0] : "\(layers.count) layers, \(layers[0]) at the bottom"
        let extra = options.isEmpty ? "" : " " + options.joined(separator: ",")
        return "mount overlay on \(place): \(lower), with \(top)\(extra)"
    }
    private var top: String {
        switch upper {
        case .throwaway(let size, let inodes):
            "a throw-away upper" + (size.map { " of \($0.value)" } ?? "")
                + (inodes.map { " and \($0.value) files" } ?? "")
        case .kept(let directory): "the upper in \(directory.value)"
        }
    }
    var undoing: String {
        switch upper {
        case .throwaway: "the upper is a tmpfs that goes with the mount namespace"
        case .kept: "the mount goes with the mount namespace, the upper stays"
        }
    }

    /// An overlay that is mounted.
    struct Mounted {
        /// Attached in this mount namespace.
        let root: HeldRoot
        let upper: OverlayDirectory
    }

    /// - Parameters:
    ///   - found: The layers and the directories of the upper.
    ///   - scratch: The tmpfs of the uppers that are thrown away; made where it is missing.
    ///   - mapping: The container's ids, where the runtime process mounts it.
    ///   - fill: Writes what a new upper begins with, before it is mounted.
    func mount(
        _ found: OpenedLayers, _ scratch: inout HeldDescriptor?,
        mapping: (ids: IDMappings, namespaces: MappingNamespaces)? = nil,
        filling fill: (OverlayDirectory) throws(Failure) -> Void = { _ in }
    ) throws(Failure) -> Mounted {
        // Every layer is opened before anything is mounted: the mountpoint is one of them.
        var lowers: [OverlayDirectory] = []
        for path in layers { lowers.append(try found.open(path)) }
        guard let bottom = lowers.first else { return try mountBare(&scratch, mapping?.ids) }
        let target = try attempt(
            "dup", on: bottom.path, try OwnedDescriptor.duplicate(bottom.borrowed))
        // Before something is mounted on it, or its mount is a copy, which have another way up.
        let isNested = OverlayMount.hasLayerInLowest(lowers)
        if let mapping { lowers = try mapLayers(lowers, mapping) }
        let (upper, work, place) = try openUpper(target, found, &scratch)
        try dress(upper, work, over: lowers)
        if let mapping { try give(upper, to: mapping.ids) }
        try fill(upper)
        do {
            if isNested {
                lowers[0] = try OverlayMount.alone(
                    lowers[0], options: options, on: isAttached ? target.borrowed : nil)
            }
            let overlay = OverlayMount(
                lowers: lowers, upper: upper, work: work, options: options,
                allowsUpperInLayer: isUpperHidden)
            let root =
                isAttached
                ? try overlay.mount(on: place.borrowed) : try overlay.create().release()
            return Mounted(root: HeldRoot(RootDirectory(root)), upper: upper)
        } catch {
            throw Failure(error.sentence)
        }
    }

    /// As `mount`, for a tree that is attached elsewhere later.
    ///
    /// - Parameter keep: Gets the upper.
    func mountTree(
        _ found: OpenedLayers, _ scratch: inout HeldDescriptor?,
        mapping: (ids: IDMappings, namespaces: MappingNamespaces)? = nil,
        _ keep: (OverlayDirectory) throws(Failure) -> Void
    ) throws(Failure) -> DetachedMount {
        let mounted = try mount(found, &scratch, mapping: mapping)
        try keep(mounted.upper)
        return try attempt(
            "open_tree", "the overlay",
            try DetachedMount.clone(mounted.root.directory.borrowed, recursive: false))
    }

    /// A layer whose top belongs to an id of the container's, and not to one of the host that
    /// stands behind it, is seen with its ids mapped: one layer serves every mapping.
    private func mapLayers(
        _ layers: [OverlayDirectory],
        _ mapping: (ids: IDMappings, namespaces: MappingNamespaces)
    ) throws(Failure) -> [OverlayDirectory] {
        let users = mapping.ids.users
        var mapped: [OverlayDirectory] = []
        for layer in layers {
            let owner = try attempt("fstat", on: layer.path, try FileStatus.of(layer.borrowed))
                .userID
            if users.reaches(owner) || !users.maps(owner) {
                mapped.append(layer)
                continue
            }
            let tree = try attempt(
                "open_tree", on: layer.path,
                try DetachedMount.clone(layer.borrowed, recursive: false))
            try mapping.ids.apply(
                to: tree, recursive: false, named: "the layer \(layer.path.inQuotes)",
                by: mapping.namespaces)
            // Before Linux 6.15 overlayfs takes nothing that hangs nowhere.
            if isAttached {
                try attempt("move_mount", on: layer.path, try tree.attach(to: layer.borrowed))
            }
            mapped.append(OverlayDirectory(path: layer.path, descriptor: tree.release()))
        }
        return mapped
    }

    /// The top of the upper is the container's root directory, with its own mode and owner: a new one
    /// is made like that of the layer which says what the root directory is like, or like the snapshot
    /// that it follows. One that a container has had is left as it is.
    private func dress(
        _ upper: OverlayDirectory, _ work: OverlayDirectory, over layers: [OverlayDirectory]
    ) throws(Failure) {
        func dress() throws(Errno) {
            // The kernel has made something in it with the first mount.
            let place = try work.borrowed.open(".", [.readOnly, .directory])
            if try !place.borrowed.entries().isEmpty { return }
            let (position, mode) =
                followsSnapshot
                ? (layers.count - 1, nil)
                : try LayerRoot.model(among: layers.map(\.borrowed))
            let new = try FileStatus.of(layers[position].borrowed)
            let old = try FileStatus.of(upper.borrowed)
            let isMapped = new.userID != overflowID && new.groupID != overflowID
            if isMapped && (new.userID, new.groupID) != (old.userID, old.groupID) {
                do throws(Errno) {
                    try upper.borrowed.changeOwner(".", user: new.userID, group: new.groupID)
                } catch .notPermitted {
                    // An ordinary user gives nothing away: it stays the user's own.
                }
            }
            try upper.borrowed.changeMode(".", mode ?? new.permissions)
        }
        try attempt("fchownat", on: upper.path, try dress())
    }

    /// The id that the kernel shows for one that is not mapped in this user namespace.
    private let overflowID: UInt32 = 65534

    /// The top of a new upper is the container's root directory: it belongs to the container's
    /// root. One that holds something is left as it is.
    private func give(_ upper: OverlayDirectory, to mapping: IDMappings) throws(Failure) {
        guard let user = mapping.users.outside(of: 0), let group = mapping.groups.outside(of: 0)
        else { return }
        func give() throws(Errno) {
            if mapping.users.reaches(try FileStatus.of(upper.borrowed).userID) { return }
            let top = try upper.borrowed.open(".", [.readOnly, .directory])
            if try top.borrowed.entries().isEmpty {
                try top.borrowed.changeOwner(".", user: user, group: group)
            }
        }
        try attempt("fchownat", on: upper.path, try give())
    }

    /// The upper, the work directory, and what the overlay is mounted on.
    private func openUpper(
        _ target: borrowing OwnedDescriptor, _ found: OpenedLayers,
        _ scratch: inout HeldDescriptor?
    ) throws(Failure) -> (
        upper: OverlayDirectory, work: OverlayDirectory, place: HeldDescriptor
    ) {
        var place = try attempt(
            "dup", try HeldDescriptor(OwnedDescriptor.duplicate(target.borrowed)))
        switch upper {
        case .kept(let directory):
            return (
                try found.open("\(directory.value)/upper"),
                try found.open("\(directory.value)/work"), place
            )
        case .throwaway:
            if scratch == nil { place = try mountScratch(on: place.borrowed) }
            let tmpfs = scratch ?? place
            scratch = tmpfs
            return (
                try make("upper" + suffix, in: tmpfs, mode: 0o755),
                try make("work" + suffix, in: tmpfs, mode: 0o700), place
            )
        }
    }

    /// The tmpfs of the uppers that are thrown away, mounted under the overlay.
    private func mountScratch(on target: FileDescriptor) throws(Failure) -> HeldDescriptor {
        var size: String?
        var most: UInt64?
        if case .throwaway(let bytes, let inodes) = upper {
            size = bytes?.value
            most = try inodeCount(size, inodes?.value)
        }
        // Before Linux 6.15 the kernel takes no upper from a mount that hangs nowhere, so the
        // tmpfs is attached: in this mount namespace, under the overlay, out of sight.
        func mountScratch() throws(Errno) -> HeldDescriptor {
            let tmpfs = try FileSystemContext("tmpfs")
            if let size { try tmpfs.set("size", size) }
            if let most { try tmpfs.set("nr_inodes", String(most)) }
            try tmpfs.set("mode", "755")
            try tmpfs.create()
            let mount = try tmpfs.mount()
            if isAttached { try mount.attach(to: target) }
            return HeldDescriptor(mount.release())
        }
        return try attempt("mount", "tmpfs", try mountScratch())
    }

    /// A root without layers: a directory of the tmpfs itself.
    private func mountBare(
        _ scratch: inout HeldDescriptor?, _ mapping: IDMappings?
    ) throws(Failure) -> Mounted {
        let target = try attempt("open", on: "/", try HostPath.open("/", [.path, .directory]))
        var tmpfs = scratch
        if tmpfs == nil { tmpfs = try mountScratch(on: target.borrowed) }
        scratch = tmpfs
        guard let tmpfs else { throw Failure("the root has no tmpfs") }
        let root = try make("root", in: tmpfs, mode: 0o755)
        if let mapping { try give(root, to: mapping) }
        let tree = try attempt(
            "open_tree", "the root", try DetachedMount.clone(root.borrowed, recursive: false))
        if isAttached {
            try attempt("move_mount", "the root", try tree.attach(to: target.borrowed))
        }
        return Mounted(root: HeldRoot(RootDirectory(tree.release())), upper: root)
    }

    /// Nil where the kernel's own measures hold.
    private func inodeCount(_ size: String?, _ inodes: UInt64?) throws(Failure) -> UInt64? {
        if let inodes { return inodes }
        guard let size = size.flatMap(TmpfsSize.init) else { return nil }
        let pages = try attempt("sysconf", "_SC_PHYS_PAGES", try Memory.pages())
        return size.inodes(memoryPages: pages)
    }

    private func make(
        _ name: String, in scratch: HeldDescriptor, mode: UInt32
    ) throws(Failure) -> OverlayDirectory {
        func makeDirectory() throws(Errno) {
            do throws(Errno) {
                try scratch.borrowed.makeDirectory(name, mode: mode)
            } catch .fileExists where !isAttached {
                // Of an earlier start, which the caller has kept.
            }
        }
        try attempt("mkdir", on: name, try makeDirectory())
        let made = try attempt(
            "openat", on: name, try scratch.borrowed.open(name, [.path, .directory]))
        return OverlayDirectory(path: "throw-away \(name)", descriptor: made)
    }
}

extension OverlayDirectory {
    /// The upper, as the runtime process reads it when the container has ended.
    func openForReading() throws(Failure) -> OwnedDescriptor {
        try attempt("open", on: path, try borrowed.open(".", [.readOnly, .directory]))
    }
}

extension Configuration {
    fileprivate var labelOptions: [String] { mountLabel.map { ["context=" + $0.value] } ?? [] }
}

extension Configuration.Root {
    /// The upper of what is thrown away, with the limits of the root's.
    fileprivate var throwawayUpper: Upper {
        if case .overlay(let overlay) = source, case .throwaway = overlay.upper {
            return overlay.upper
        }
        return .throwaway(size: nil, inodes: nil)
    }
}

extension Configuration.CopyOnWriteTree {
    /// As those of the root's overlay. Programs rename directories of the host's tree, for which
    /// overlayfs needs redirections; without root privileges it has none.
    func mountOptions(_ privilege: Configuration.Privilege) -> [String] {
        (privilege == .full ? ["redirect_dir=on"] : ["userxattr"])
            + (upper == nil && !isRead ? [] : ["index=off"])
    }
}
