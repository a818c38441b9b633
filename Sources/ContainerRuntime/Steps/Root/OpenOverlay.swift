internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// `mounts[]` of type `overlay`: the layers, the upper and the work directory are the host's.
struct OpenOverlay: ContainerStep {
    static let manual = StepManual(
        "open an overlay",
        what: """
            Opens the layers, the upper and the work directory of an overlay in the list of mounts, \
            and makes the overlay of the descriptors. It is attached nowhere until the step that \
            mounts it.
            """,
        why: """
            Before the pivot: the options name paths of the host, which mean something else in the \
            container's tree.
            """,
        calls: "openat, fsopen, fsconfig, fsmount, mount, open_tree, umount2")

    let overlay: MountedOverlay
    let bundle: String
    /// The directory of the host that becomes the root: below it an image's links choose nothing.
    let root: String?
    /// Among the sources of all bind mounts, counted from 0.
    let position: Int
    let label: String?

    var summary: String {
        let top = overlay.upper.map { " below \($0)" } ?? ""
        return "open an overlay of \(overlay.lowers.reversed().joined(separator: ":"))\(top)"
    }
    var gives: Provisions { [.bindSources] }

    func shell(_ commands: inout ShellCommands) {
        let place = HostBindSource.place(position)
        var words = ["lowerdir=" + overlay.lowers.reversed().joined(separator: ":")]
        if let upper = overlay.upper { words.append("upperdir=" + upper) }
        if let work = overlay.work { words.append("workdir=" + work) }
        commands.run("directory", place)
        commands.run(
            "mount", "-t", "overlay", "-o",
            .value((words + overlay.options).joined(separator: ",")), "overlay", place)
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        var lowers: [OverlayDirectory] = []
        for path in overlay.lowers { lowers.append(try open(path, "lowerdir")) }
        let upper = try overlay.upper.map { (path) throws(Failure) in try open(path, "upperdir") }
        let work = try overlay.work.map { (path) throws(Failure) in try open(path, "workdir") }
        var options = overlay.options
        if let label, !options.contains(where: { $0.hasPrefix("context=") }) {
            options.append("context=" + label)
        }
        let mount = OverlayMount(
            lowers: lowers, upper: upper, work: work, options: options, isForeign: true)
        let place = (lowers.first ?? upper)?.borrowed
        let tree = try made(mount, place)
        context.handover.keep(BindSource(tree, isDirectory: true), at: position)
    }

    /// Kernels before 6.7 take a string of options, and attach at once.
    private func made(
        _ mount: OverlayMount, _ place: FileDescriptor?
    ) throws(Failure) -> DetachedMount {
        let refusal: OverlayError
        do throws(OverlayError) {
            return try mount.create()
        } catch {
            refusal = error
        }
        guard let place else { throw Failure(refusal.sentence) }
        let root: OwnedDescriptor
        do throws(OverlayError) {
            root = try mount.mount(on: place)
        } catch {
            throw Failure(error.sentence)
        }
        return try clone(of: root)
    }

    /// What was covered for a moment is seen again.
    private func clone(of root: consuming OwnedDescriptor) throws(Failure) -> DetachedMount {
        let tree = try attempt(
            "open_tree", "of the overlay",
            try DetachedMount.clone(root.borrowed, recursive: false))
        try attempt("umount2", "of the overlay", try MountTree.detach(root.borrowed))
        let top = try attempt("open", on: "/", try HostPath.open("/", [.path, .directory]))
        try attempt("fchdir", on: "/", try CurrentProcess.changeDirectory(top.borrowed))
        return tree
    }

    private func open(_ path: String, _ key: String) throws(Failure) -> OverlayDirectory {
        if path.isEmpty {
            throw Failure(
                "\(key) has an empty name in its list; data-only layers (\"::\") are not supported in"
                    + " mounts[]")
        }
        let path = PathText.absolute(path, from: bundle)
        func find() throws(Errno) -> OwnedDescriptor {
            guard let root, let rest = SourceInRoot.part(of: path, below: root) else {
                return try HostPath.open(path, [.path, .directory])
            }
            let top = RootDirectory(try HostPath.open(root, [.path, .directory]))
            return try top.open(rest, [.path, .directory])
        }
        let opened = try attempt("open", "\(key) \(path.inQuotes)", try find())
        return OverlayDirectory(path: path, descriptor: opened)
    }
}
