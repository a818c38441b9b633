internal import LinuxSystem
internal import SystemPackage

/// `mounts[]` with `bind` or `rbind`.
struct AttachBind: ContainerStep {
    static let manual = StepManual(
        "attach a bind mount",
        what: """
            Attaches the clone of a source to a directory or file that was opened without leaving \
            the root. A source in the directory that has become the root is the one that an \
            earlier mount of the container provides, where one does. Without options it has the \
            attributes of the source's mount. Once an option names one (ro, rw, nosuid …) the \
            others are cleared, as runc does; in a user namespace they are locked and stay, and it \
            is an error to clear one by name.
            """,
        why: "In the config's order: a later mount may lie inside an earlier one.",
        calls: "openat2, open_tree, mount_setattr, move_mount")

    let mount: Configuration.Mount
    let source: String
    /// Which of the opened sources, counted from 0.
    let position: Int
    /// Whether the attributes of the source's mount are locked: in a user namespace.
    var isRestricted = false

    var summary: String { MountTarget(mount: mount).summary(source) }
    var needs: Provisions { [.root, .bindSources] }

    func shell(_ commands: inout ShellCommands) {
        let place = ShellWord.path(mount.destination)
        var from = HostBindSource.place(position)
        if case .copyOnWrite(let tree) = mount.kind {
            from = OverlayAssembly.place(ofTree: tree.number)
        }
        commands.run("if [ -d", from, "]; then directory", place, "; else file", place, "; fi")
        commands.run("mount --rbind", from, place)
        mount.changes(&commands)
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let opened = try context.takeSource(position, source)
        let target = MountTarget(mount: mount)
        let isProc = PathText.cleaned(mount.destination) == "/proc"
        if isProc { try requireProc(opened.tree.borrowed) }
        let place = try target.open(
            context, directory: opened.isDirectory, isKernelInterface: isProc)
        if !opened.isDirectory { try target.refuseDirectory(place.borrowed, for: source) }
        var attached = mount
        if case .bind = mount.kind {
            attached.clear = try mount.cleared(of: opened.tree, source, isRestricted)
        }
        try MountTarget(mount: attached).attach(opened.tree, place.borrowed)
        let tree = opened.tree.borrowed
        guard opened.isDirectory, context.heldMounts.wants(PathText.cleaned(mount.destination))
        else { return }
        let magic = try attempt("fstatfs", on: source, try FileSystemMagic.of(tree))
        try context.hold(mount.destination, tree, .init(boundFrom: magic))
    }

    /// The whole of a procfs, as containers without a pid namespace of their own bind the host's.
    private func requireProc(_ tree: FileDescriptor) throws(Failure) {
        let magic = try attempt("fstatfs", on: source, try FileSystemMagic.of(tree))
        // PROC_ROOT_INO is 1.
        if magic == .procfs, try attempt("fstat", on: source, try FileStatus.of(tree)).inode == 1 {
            return
        }
        throw Failure(
            "\(source.inQuotes) is not the root of a procfs; anything else could pretend to be the"
                + " kernel")
    }
}
