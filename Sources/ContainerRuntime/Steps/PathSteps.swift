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
        if isDirectory { return try coverDirectory(target.borrowed, context) }
        let cover = try nullDevice(context)
        try stepping("mount", path.inQuotes) { () throws(Errno) in
            try DetachedMount.clone(cover.borrowed, recursive: false).attach(to: target.borrowed)
        }
    }

    /// The container's `/dev/null`, which must be the kernel's: the image could have put anything
    /// in its place (CVE-2025-31133).
    private func nullDevice(_ context: StartContext) throws(StepError) -> HeldDescriptor {
        if let found = context.nullDevice { return found }
        let place = try context.place("/dev/null")
        let opened = try stepping("openat2", "\"/dev/null\"") { () throws(Errno) in
            try place.open([.path, .noFollow], links: .refuse)
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
    /// attached can be cloned before Linux 6.15.
    private func coverDirectory(
        _ target: FileDescriptor, _ context: StartContext
    ) throws(StepError) {
        if let found = context.emptyDirectory {
            let cover = try stepping("mount", path.inQuotes) { () throws(Errno) in
                let cover = try DetachedMount.clone(found.borrowed, recursive: false)
                try cover.attach(to: target)
                return cover
            }
            return try context.holdInstead(path, cover.borrowed)
        }
        let made = try stepping("mount", "tmpfs on \(path.inQuotes)") {
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
        context.emptyDirectory = made
        try context.holdInstead(path, made.borrowed)
    }
}

/// `linux.readonlyPaths`: the path is mounted on itself, read-only, with all below it.
struct ProtectPath: Step {
    let path: String

    let side = Side.container
    var summary: String { "make \(path) read-only" }

    func apply(_ context: StartContext) throws(StepError) {
        guard let (target, _) = try PathTarget.open(path, context) else { return }
        let tree = try stepping("mount", path.inQuotes) { () throws(Errno) in
            let tree = try DetachedMount.clone(target.borrowed, recursive: true)
            try tree.setAttributes(set: .readOnly, recursive: true)
            try tree.attach(to: target.borrowed)
            return tree
        }
        try context.holdInstead(path, tree.borrowed)
    }
}

/// A path that may be missing.
enum PathTarget {
    /// Nil where there is nothing: kernels differ in what they have in procfs and sysfs, and what
    /// is not there needs no mask.
    static func open(
        _ path: String, _ context: StartContext
    ) throws(StepError) -> (HeldDescriptor, isDirectory: Bool)? {
        let place = try context.place(path)
        let target: HeldDescriptor
        do throws(Errno) {
            target = HeldDescriptor(try place.open(.path))
        } catch .noSuchFileOrDirectory, .notDirectory {
            return nil
        } catch {
            throw StepError(
                SystemCallError("openat2", path.inQuotes, error),
                error == .tooManySymbolicLinkLevels
                    ? "name what the symbolic link in it leads to" : nil)
        }
        let found = try stepping("fstat", path.inQuotes) { () throws(Errno) in
            try FileStatus.of(target.borrowed)
        }
        if !place.isInMount {
            let top = try stepping("fstat", "\"/\"") { () throws(Errno) in
                try FileStatus.of(place.root.directory.borrowed)
            }
            // Through a link of the image: a mount on the root would not be seen from inside.
            if found.inode == top.inode && found.device == top.device {
                throw StepError("\(path.inQuotes) leads to the root itself")
            }
        }
        return (target, found.kind == .directory)
    }
}
