internal import LinuxSystem
internal import SystemPackage

/// Finding the place of a mount in the container's tree, and putting it there.
struct MountTarget {
    let mount: Configuration.Mount

    /// Opens the destination, making what is missing of it.
    ///
    /// proc and sysfs go only onto a real directory: through a symbolic link in the image they
    /// would lie elsewhere, and what the runtime masks would not be masked (CVE-2019-19921,
    /// CVE-2023-27561, CVE-2023-28642).
    func open(
        _ context: StartContext, directory: Bool, isKernelInterface: Bool = false
    ) throws(StepError) -> OwnedDescriptor {
        let place = try context.place(mount.destination)
        let path = mount.destination
        let refusesLinks =
            isKernelInterface || HeldMounts.names.contains(HostName.cleaned(path))
        let links = refusesLinks ? LinkPolicy.refuse : place.links
        let advice: (Errno) -> String? = { error in
            switch error {
            case .tooManySymbolicLinkLevels where links == .refuse:
                "it must be mounted on an ordinary directory, not through a symbolic link"
            case .tooManySymbolicLinkLevels:
                "a link there leads through /proc, in circles or over more than 40 links"
            case .fileNameTooLong: LinkPolicy.tooLong
            case .notDirectory: "part of the path is a file in the root file system"
            default: nil
            }
        }
        let target = try stepping("openat2", path.inQuotes, advice: advice) {
            () throws(Errno) in
            directory
                ? try place.makeDirectories(links: links) : try place.makeFile(links: links)
        }
        try refuseProc(target.borrowed)
        return target
    }

    /// What is at the destination before anything is made there; nil where there is nothing.
    func status(_ context: StartContext) throws(StepError) -> FileStatus? {
        let place = try context.place(mount.destination)
        do throws(Errno) {
            let found = try place.open(.path)
            return try FileStatus.of(found.borrowed)
        } catch .noSuchFileOrDirectory, .notDirectory {
            // Made, or refused, when it is opened as a target.
            return nil
        } catch {
            throw StepError(
                SystemCallError("openat2", mount.destination.inQuotes, error),
                error == .tooManySymbolicLinkLevels
                    ? "it must be an ordinary directory, not a symbolic link" : nil)
        }
    }

    /// What leads into procfs through a symbolic link is not what the checks have seen.
    private func refuseProc(_ target: FileDescriptor) throws(StepError) {
        let place = HostName.cleaned(mount.destination)
        if place == "/proc" || place.hasPrefix("/proc/") { return }
        let magic = try stepping("fstatfs", place.inQuotes) { () throws(Errno) in
            try FileSystemMagic.of(target)
        }
        if magic == .procfs {
            throw StepError("\"\(place)\" leads into /proc; nothing may be mounted there")
        }
    }

    /// Gives the tree its attributes and attaches it.
    func attach(_ tree: borrowing DetachedMount, _ target: FileDescriptor) throws(StepError) {
        try stepping("mount_setattr", mount.destination.inQuotes) { () throws(Errno) in
            try tree.setAttributes(set: mount.set, clear: mount.clear)
            try tree.setAttributes(
                set: mount.setRecursively, clear: mount.clearRecursively, recursive: true)
        }
        try stepping("move_mount", mount.destination.inQuotes) { () throws(Errno) in
            try tree.attach(to: target)
        }
        try stepping("mount_setattr", mount.destination.inQuotes) { () throws(Errno) in
            for propagation in mount.propagation {
                try tree.setPropagation(propagation.kind, recursive: propagation.isRecursive)
            }
        }
    }

    func summary(_ what: String) -> String {
        let options = mount.optionText.isEmpty ? "" : " " + mount.optionText
        return "mount \(what) on \(mount.destination)\(options)"
    }
}

/// Attaches a source that `OpenBindSource` has opened.
struct AttachBind: Step {
    let mount: Configuration.Mount
    let source: String
    /// Which of the opened sources, counted from 0.
    let position: Int

    let side = Side.container
    var summary: String { MountTarget(mount: mount).summary(source) }

    func apply(_ context: StartContext) throws(StepError) {
        guard context.bindSources.indices.contains(position),
            let opened = context.bindSources[position].take()
        else { throw StepError("the plan has not opened \(source)") }
        let target = MountTarget(mount: mount)
        let isProc = HostName.cleaned(mount.destination) == "/proc"
        if isProc { try requireProc(opened.tree.borrowed) }
        let place = try target.open(
            context, directory: opened.isDirectory, isKernelInterface: isProc)
        try target.attach(opened.tree, place.borrowed)
        let tree = opened.tree.borrowed
        guard opened.isDirectory, context.heldMounts.wants(HostName.cleaned(mount.destination))
        else { return }
        let magic = try stepping("fstatfs", source.inQuotes) { () throws(Errno) in
            try FileSystemMagic.of(tree)
        }
        try context.hold(mount.destination, tree, .init(boundFrom: magic))
    }

    /// The whole of a procfs, as containers without a pid namespace of their own bind the host's.
    private func requireProc(_ tree: FileDescriptor) throws(StepError) {
        let isRoot = try stepping("fstat", source.inQuotes) { () throws(Errno) in
            if try FileSystemMagic.of(tree) != .procfs { return false }
            // PROC_ROOT_INO is 1.
            return try FileStatus.of(tree).inode == 1
        }
        if isRoot { return }
        throw StepError(
            "\(source.inQuotes) is not the root of a procfs; anything else could pretend to be the"
                + " kernel")
    }
}

/// A new instance of a file system.
struct MountFileSystem: Step {
    let mount: Configuration.Mount
    let type: String
    let source: String?
    let parameters: [Configuration.Mount.Parameter]
    /// The SELinux context of all that is in it, where it takes one.
    let label: String?
    /// Whether the init process is root of a user namespace at best.
    var isRestricted = false
    /// Whether the host's is bound then, where it may not be mounted.
    var mayStandIn = false
    /// Whether the namespace that it shows is a new one, which nobody else can forbid to show.
    var showsOwn = false
    /// Whether it is known that it will be: it shows a namespace of the host's.
    var isHosts = false

    let side = Side.container
    var summary: String {
        let mounting = MountTarget(mount: mount).summary(type)
        return isHosts ? "bind the host's \(mounting.dropFirst("mount ".count))" : mounting
    }

    func apply(_ context: StartContext) throws(StepError) {
        let target = MountTarget(mount: mount)
        let below = try type == "tmpfs" ? target.status(context) : nil
        let place = try target.open(
            context, directory: true, isKernelInterface: type == "proc" || type == "sysfs")
        guard let fileSystem = try opened(context) else {
            try HostStandIn(type: type, mount: mount)?.attach(place.borrowed, context)
            return
        }
        if let source, !source.isEmpty {
            try configure(fileSystem, "source", source)
        }
        for parameter in parameters {
            try configure(fileSystem, parameter.key, parameter.value)
        }
        // A program that expects its directory finds it with the mode that the image gave it.
        if let below, !parameters.contains(where: { $0.key == "mode" }) {
            try configure(fileSystem, "mode", String(below.permissions, radix: 8))
        }
        // Whoever names a context for this one means it.
        let hasContext = parameters.contains { $0.key.hasSuffix("context") }
        if let label, labeling == .byOption, !hasContext {
            try configure(fileSystem, "context", label)
        }
        var attributes = mount.set
        attributes.override(with: mount.setRecursively)
        if mount.isFilledFirst { attributes.subtract(.readOnly) }
        guard let tree = try made(fileSystem, attributes) else {
            try HostStandIn(type: type, mount: mount)?.attach(place.borrowed, context)
            return
        }
        if let label, labeling == .byAttribute {
            let root = tree.borrowed
            try stepping("fsetxattr", "security.selinux of \(mount.destination.inQuotes)") {
                () throws(Errno) in
                let top = try root.open(".", [.readOnly, .directory])
                try top.borrowed.setAttribute("security.selinux", label)
            }
        }
        if mount.copiesUp, below != nil, try holdsImage(place.borrowed, context) {
            try CopyUp(destination: mount.destination, parameters: parameters)
                .fill(tree.borrowed, from: place.borrowed)
        }
        // It was made with its attributes; there is nothing to set or to clear any more.
        var attached = mount
        attached.set = []
        attached.setRecursively = []
        attached.clear = []
        attached.clearRecursively = []
        try MountTarget(mount: attached).attach(tree, place.borrowed)
        try context.hold(mount.destination, tree.borrowed, .init(type: type))
        if mount.copiesUp { context.copiedMounts.insert(try number(of: tree.borrowed)) }
    }

    /// Whether what is covered is the image's: the root's own file system, or a tmpfs that was
    /// filled from it. Of a volume and of the kernel's file systems nothing is copied, whatever
    /// link of the image leads there.
    private func holdsImage(
        _ place: FileDescriptor, _ context: StartContext
    ) throws(StepError) -> Bool {
        let found = try number(of: place)
        if context.copiedMounts.contains(found) { return true }
        let root = try context.openRoot()
        return found == (try number(of: root.directory.borrowed))
    }

    private func number(of file: FileDescriptor) throws(StepError) -> UInt64 {
        try stepping("statx", mount.destination.inQuotes) { () throws(Errno) in
            try file.mountID()
        }
    }

    /// Nil where it is not this process's to mount, and the host's can stand in.
    private func opened(_ context: StartContext) throws(StepError) -> FileSystemContext? {
        if type == "proc", let joined = try context.takeProcContext() { return joined }
        do {
            return try FileSystemContext(type)
        } catch .notPermitted where mayStandIn && !showsOwn {
            return nil
        } catch {
            throw StepError(
                SystemCallError("fsopen", type.inQuotes, error),
                error == .operationNotSupportedByDevice
                    ? "the kernel does not know this file system" : nil)
        }
    }

    /// Nil as with `opened`.
    private func made(
        _ fileSystem: borrowing FileSystemContext, _ attributes: MountAttributes
    ) throws(StepError) -> DetachedMount? {
        do {
            try fileSystem.create()
            return try fileSystem.mount(attributes)
        } catch {
            let isRefused = error == .notPermitted || error == .permissionDenied
            if isRefused && mayStandIn { return nil }
            if isRefused && type == "proc" { throw StepError(MountFileSystem.noProc(error)) }
            throw failure(fileSystem, "mount", error, isForbidden: isRefused && isRestricted)
        }
    }

    /// The kernel's `mount_too_revealing`, and pid namespaces of somebody else's.
    private static func noProc(_ error: Errno) -> String {
        "mount: \(error.words); in a user namespace the kernel gives none where parts of the host's are"
            + " covered, as in a container, nor for processes that belong to another user namespace;"
            + " \"vfs-run doctor\" tells which and what mends it"
    }

    private enum Labeling { case byOption, byAttribute, not }

    /// The kernel's own interfaces have labels of their own, and the one message queue of an ipc
    /// namespace takes no option.
    private var labeling: Labeling {
        switch type {
        case "proc", "sysfs": .not
        case "mqueue": .byAttribute
        default: .byOption
        }
    }

    private func configure(
        _ fileSystem: borrowing FileSystemContext, _ key: String, _ value: String?
    ) throws(StepError) {
        do {
            if let value { try fileSystem.set(key, value) } else { try fileSystem.set(key) }
        } catch {
            let option = value.map { "\(key)=\($0)" } ?? key
            throw failure(fileSystem, "option \"\(option)\"", error)
        }
    }

    /// The kernel's own words, where it has some.
    private func failure(
        _ fileSystem: borrowing FileSystemContext, _ call: String, _ error: Errno,
        isForbidden: Bool = false
    ) -> StepError {
        let words = fileSystem.messages().joined(separator: ", ")
        let advice =
            isForbidden
            ? "root of a user namespace may not mount this file system; bind a directory of it"
            : nil
        return StepError(
            SystemCallError(call, "", error), words.isEmpty ? advice : "the kernel says: \(words)")
    }
}

/// New attributes for a mount that is there: the option `remount`.
struct Remount: Step {
    let mount: Configuration.Mount

    let side = Side.container
    var summary: String { "remount \(mount.destination) \(mount.optionText)" }

    func apply(_ context: StartContext) throws(StepError) {
        let found = try context.place(mount.destination)
        let place = try stepping("openat2", mount.destination.inQuotes) { () throws(Errno) in
            try found.open(.path)
        }
        try stepping(
            "mount_setattr", mount.destination.inQuotes,
            advice: { $0 == .invalidArgument ? "it is not a mount point" : nil }
        ) { () throws(Errno) in
            try place.borrowed.setMountAttributes(set: mount.set, clear: mount.clear)
            try place.borrowed.setMountAttributes(
                set: mount.setRecursively, clear: mount.clearRecursively, recursive: true)
            for propagation in mount.propagation {
                try place.borrowed.setMountPropagation(
                    propagation.kind, recursive: propagation.isRecursive)
            }
        }
    }
}

/// The host's hierarchies as this cgroup namespace shows them, always read-only: what may be
/// written there is another capability's work (CVE-2022-0492, CVE-2023-25809).
struct MountControlGroups: Step {
    let mount: Configuration.Mount
    /// As far as the container's limits hold.
    var isForWriting = false

    let side = Side.container
    var summary: String {
        MountTarget(mount: mount).summary(
            isForWriting ? "control groups" : "a read-only view of control groups")
    }

    func apply(_ context: StartContext) throws(StepError) {
        guard let layout = context.controlGroups else {
            throw StepError("the plan has not looked for control groups")
        }
        let target = MountTarget(mount: mount)
        let place = try target.open(context, directory: true)
        var attached = mount
        if !context.givesControlGroup {
            attached.set = mount.set.union(.readOnly)
            attached.clear = mount.clear.subtracting(.readOnly)
        }
        if layout.isUnified {
            if let bound = context.controlGroupTrees.first {
                try MountTarget(mount: attached).attach(bound.tree.tree, place.borrowed)
                return try context.hold(mount.destination, bound.tree.tree.borrowed, .kernel)
            }
            let tree = try hierarchy("cgroup2", [], isWritable: context.givesControlGroup)
            try MountTarget(mount: attached).attach(tree, place.borrowed)
            return try context.hold(mount.destination, tree.borrowed, .kernel)
        }
        let folder = try stepping("mount", "tmpfs") { () throws(Errno) in
            let tmpfs = try FileSystemContext("tmpfs")
            try tmpfs.set("mode", "755")
            try tmpfs.create()
            return try tmpfs.mount()
        }
        try stepping("move_mount", mount.destination.inQuotes) { () throws(Errno) in
            try folder.attach(to: place.borrowed)
        }
        if layout.hierarchies != nil {
            for (name, bound) in context.controlGroupTrees {
                try add(bound.tree, name, folder.borrowed, attached)
            }
        } else {
            for controllers in layout.version1 {
                try add(
                    try hierarchy("cgroup", controllers), ControlGroupLayout.label(controllers),
                    folder.borrowed, attached)
            }
            try add(try hierarchy("cgroup2", []), "unified", folder.borrowed, attached)
        }
        for controllers in layout.version1 where controllers.count > 1 {
            let target = ControlGroupLayout.label(controllers)
            for name in controllers {
                try stepping("symlink", name.inQuotes) { () throws(Errno) in
                    try folder.borrowed.makeSymbolicLink(name, to: target)
                }
            }
        }
        try stepping("mount_setattr", mount.destination.inQuotes) { () throws(Errno) in
            try folder.setAttributes(set: attached.set)
        }
        try context.hold(mount.destination, folder.borrowed, .new)
    }

    private func hierarchy(
        _ type: String, _ controllers: [String], isWritable: Bool = false
    ) throws(StepError) -> DetachedMount {
        try stepping("mount", "\(type) \(controllers.joined(separator: ","))") {
            () throws(Errno) in
            let context = try FileSystemContext(type)
            for controller in controllers {
                let parts = controller.split(separator: "=", maxSplits: 1).map(String.init)
                if parts.count == 2 {
                    try context.set(parts[0], parts[1])
                } else {
                    try context.set(controller)
                }
            }
            try context.create()
            return try context.mount(isWritable ? [] : .readOnly)
        }
    }

    private func add(
        _ tree: borrowing DetachedMount, _ name: String, _ folder: FileDescriptor,
        _ mount: Configuration.Mount
    ) throws(StepError) {
        let place = try stepping("mkdir", name.inQuotes) { () throws(Errno) in
            try folder.makeDirectory(name, mode: 0o755)
            return try folder.open(name, [.path, .directory])
        }
        try MountTarget(mount: mount).attach(tree, place.borrowed)
    }
}
