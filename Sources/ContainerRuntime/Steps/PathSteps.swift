internal import LinuxSystem
internal import SystemPackage

/// `linux.maskedPaths`: a file becomes `/dev/null`, a directory an empty read-only one. What is
/// not there needs no mask.
struct MaskPath: Step {
    let path: String
    /// The SELinux context of the empty directory.
    let label: String?

    let side = Side.container
    var summary: String { "mask \(path)" }

    func apply(_ context: StartContext) throws(StepError) {
        guard let (target, isDirectory) = try PathTarget.open(path, context) else { return }
        let cover =
            isDirectory
            ? try emptyDirectory(context, target.borrowed) : try nullDevice(context)
        // The first directory was attached while it was made.
        guard let cover else { return }
        try stepping("mount", path.inQuotes) { () throws(Errno) in
            try DetachedMount.clone(cover.borrowed, recursive: false).attach(to: target.borrowed)
        }
    }

    /// The container's `/dev/null`, which must be the kernel's: the image could have put anything
    /// in its place (CVE-2025-31133).
    private func nullDevice(_ context: StartContext) throws(StepError) -> HeldDescriptor? {
        if let found = context.nullDevice { return found }
        let root = try context.openRoot()
        let opened = try stepping("openat2", "\"/dev/null\"") { () throws(Errno) in
            try root.directory.open("/dev/null", [.path, .noFollow], links: .refuse)
        }
        let status = try stepping("fstat", "\"/dev/null\"") { () throws(Errno) in
            try FileStatus.of(opened.borrowed)
        }
        guard status.kind == .characterDevice, status.deviceNumber == .null else {
            throw StepError("\"/dev/null\" of the container is not the null device")
        }
        let held = HeldDescriptor(opened)
        context.nullDevice = held
        return held
    }

    /// One tmpfs serves all directories. It is attached to the first of them, since only what is
    /// attached can be cloned before Linux 6.15; nil when that has just been done.
    private func emptyDirectory(
        _ context: StartContext, _ target: FileDescriptor
    ) throws(StepError) -> HeldDescriptor? {
        if let found = context.emptyDirectory { return found }
        context.emptyDirectory = try stepping("mount", "tmpfs on \(path.inQuotes)") {
            () throws(Errno) in
            let tmpfs = try FileSystemContext("tmpfs")
            try tmpfs.set("mode", "555")
            try tmpfs.set("nr_inodes", "1")
            if let label { try tmpfs.set("context", label) }
            try tmpfs.create()
            let tree = try tmpfs.mount([.readOnly, .noSetUserID, .noDevices, .noExecution])
            try tree.attach(to: target)
            return HeldDescriptor(tree.release())
        }
        return nil
    }
}

/// `linux.readonlyPaths`: the path is mounted on itself, read-only, with all below it.
struct ProtectPath: Step {
    let path: String

    let side = Side.container
    var summary: String { "make \(path) read-only" }

    func apply(_ context: StartContext) throws(StepError) {
        guard let (target, _) = try PathTarget.open(path, context) else { return }
        try stepping("mount", path.inQuotes) { () throws(Errno) in
            let tree = try DetachedMount.clone(target.borrowed, recursive: true)
            try tree.setAttributes(set: .readOnly, recursive: true)
            try tree.attach(to: target.borrowed)
        }
    }
}

/// A path that may be missing.
enum PathTarget {
    /// Nil where there is nothing.
    static func open(
        _ path: String, _ context: StartContext
    ) throws(StepError) -> (HeldDescriptor, isDirectory: Bool)? {
        let root = try context.openRoot()
        do throws(Errno) {
            let target = try root.directory.open(path, .path)
            let found = try FileStatus.of(target.borrowed)
            let top = try FileStatus.of(root.directory.borrowed)
            // Through a link of the image: a mount on the root would not be seen from inside.
            if found.inode == top.inode && found.device == top.device {
                throw Errno.tooManySymbolicLinkLevels
            }
            return (HeldDescriptor(target), found.kind == .directory)
        } catch .noSuchFileOrDirectory, .notDirectory {
            return nil
        } catch {
            throw StepError(SystemCallError("openat2", path.inQuotes, error))
        }
    }
}
