internal import LinuxSystem
internal import SystemPackage

/// `linux.maskedPaths`. A path that is missing needs no mask.
struct MaskPath: ContainerStep {
    static let manual = StepManual(
        "mask a path",
        what: "Mounts /dev/null over a file, and an empty read-only tmpfs over a directory.",
        why: """
            After the mounts, which would cover the mask. After the devices: the mask of a file \
            is the container's /dev/null, verified to be device 1:3. Below /proc, /sys and /dev \
            the path is looked up in the mounts made there, not by name in the root.
            """,
        calls: "openat2, open_tree, mount_setattr, move_mount")

    let path: String
    /// The SELinux context of the empty directory.
    let label: String?

    var summary: String { "mask \(path)" }
    var needs: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        commands.run("mask", .path(path))
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        guard let (target, isDirectory) = try PathTarget.open(path, context) else { return }
        if isDirectory { return try coverDirectory(target.borrowed, context) }
        let cover = try nullDevice(context)
        try attempt(
            "mount", on: path,
            try DetachedMount.clone(cover.borrowed, recursive: false).attach(to: target.borrowed))
    }

    /// The container's `/dev/null`, which must be the kernel's: the image could have put anything
    /// in its place (CVE-2025-31133).
    private func nullDevice(_ context: ContainerContext) throws(Failure) -> HeldDescriptor {
        if let found = context.nullDevice { return found }
        let place = try context.place("/dev/null")
        let opened = try attempt(
            "openat2", on: "/dev/null", try place.open([.path, .noFollow], links: .refuse))
        let status = try attempt("fstat", on: "/dev/null", try FileStatus.of(opened.borrowed))
        guard status.kind == .characterDevice, status.deviceNumber == .null else {
            throw Failure("\"/dev/null\" of the container is not the null device")
        }
        let held = HeldDescriptor(opened)
        context.nullDevice = held
        return held
    }

    /// One tmpfs serves all directories. It is attached to the first of them, since only what is
    /// attached can be cloned before Linux 6.15.
    private func coverDirectory(
        _ target: FileDescriptor, _ context: ContainerContext
    ) throws(Failure) {
        if let found = context.emptyDirectory {
            let cover = try attempt(
                "open_tree", on: path, try DetachedMount.clone(found.borrowed, recursive: false))
            try attempt("move_mount", on: path, try cover.attach(to: target))
            return try context.holdInstead(path, cover.borrowed)
        }
        func mountEmpty() throws(Errno) -> HeldDescriptor {
            let tmpfs = try FileSystemContext("tmpfs")
            try tmpfs.set("mode", "555")
            try tmpfs.set("nr_inodes", "1")
            if let label { try tmpfs.set("context", label) }
            try tmpfs.create()
            let tree = try tmpfs.mount([.readOnly, .noSetUserID, .noDevices, .noExecution])
            try tree.attach(to: target)
            return HeldDescriptor(tree.release())
        }
        let made = try attempt("mount", "tmpfs on \(path.inQuotes)", try mountEmpty())
        context.emptyDirectory = made
        try context.holdInstead(path, made.borrowed)
    }
}
