internal import CLinux
internal import Glibc
public import SystemPackage

/// A mount that hangs nowhere yet: made by `fsmount` or cloned by `open_tree`, held by a
/// descriptor, and gone with it unless it is attached.
public struct DetachedMount: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// Takes over what was cloned or mounted.
    public init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// The root of the mount, good for `*at` calls.
    public var borrowed: FileDescriptor { descriptor.borrowed }

    public consuming func release() -> OwnedDescriptor { descriptor }

    /// Clones the mount behind a path of the host.
    ///
    /// - Parameter recursive: With the mounts below it.
    ///
    /// The corresponding C function is `open_tree` with `OPEN_TREE_CLONE`.
    public static func clone(
        _ path: String, recursive: Bool
    ) throws(Errno) -> DetachedMount {
        try clone(path, in: FileDescriptor(rawValue: AT_FDCWD), flags: 0, recursive: recursive)
    }

    /// Clones the mount behind an open file.
    ///
    /// The corresponding C function is `open_tree` with `OPEN_TREE_CLONE | AT_EMPTY_PATH`.
    public static func clone(
        _ file: FileDescriptor, recursive: Bool
    ) throws(Errno) -> DetachedMount {
        try clone("", in: file, flags: CUnsignedInt(CLINUX_AT_EMPTY_PATH), recursive: recursive)
    }

    private static func clone(
        _ path: String, in directory: FileDescriptor, flags: CUnsignedInt, recursive: Bool
    ) throws(Errno) -> DetachedMount {
        let clone = CUnsignedInt(CLINUX_OPEN_TREE_CLONE) | CUnsignedInt(CLINUX_OPEN_TREE_CLOEXEC)
        let depth = recursive ? CUnsignedInt(CLINUX_AT_RECURSIVE) : 0
        let result = unsafe open_tree(directory.rawValue, path, clone | depth | flags)
        return DetachedMount(try OwnedDescriptor.adopt(result))
    }

    /// Sets and clears attributes; both sets may be empty.
    ///
    /// The corresponding C function is `mount_setattr`.
    public func setAttributes(
        set: MountAttributes, clear: MountAttributes = [], recursive: Bool = false
    ) throws(Errno) {
        try borrowed.setMountAttributes(set: set, clear: clear, recursive: recursive)
    }

    /// The corresponding C function is `mount_setattr` with `propagation`.
    public func setPropagation(_ propagation: MountPropagation, recursive: Bool) throws(Errno) {
        try borrowed.setMountPropagation(propagation, recursive: recursive)
    }

    /// Gives the files in it the ids that the mappings of a user namespace make of their own.
    ///
    /// - Throws: `Errno.invalidArgument` where the file system does not know it.
    ///
    /// The corresponding C function is `mount_setattr` with `MOUNT_ATTR_IDMAP`.
    public func mapIDs(by namespace: FileDescriptor, recursive: Bool) throws(Errno) {
        let depth = recursive ? CUnsignedInt(CLINUX_AT_RECURSIVE) : 0
        try checkDone(clinux_mount_idmap(borrowed.rawValue, depth, namespace.rawValue))
    }

    /// Attaches the mount on top of an opened file or directory. The descriptor stays a handle on
    /// the mount's root.
    ///
    /// The corresponding C function is `move_mount` with both paths empty.
    public func attach(to target: FileDescriptor) throws(Errno) {
        let flags =
            CUnsignedInt(CLINUX_MOVE_MOUNT_F_EMPTY_PATH)
            | CUnsignedInt(CLINUX_MOVE_MOUNT_T_EMPTY_PATH)
        try checkDone(unsafe move_mount(borrowed.rawValue, "", target.rawValue, "", flags))
    }
}

extension FileDescriptor {
    /// Changes the mount that this open file is the root of.
    ///
    /// - Throws: `Errno.invalidArgument` when it is not a mount's root.
    ///
    /// The corresponding C function is `mount_setattr` with `AT_EMPTY_PATH`.
    public func setMountAttributes(
        set: MountAttributes, clear: MountAttributes = [], recursive: Bool = false
    ) throws(Errno) {
        if set.isEmpty && clear.isEmpty { return }
        let depth = recursive ? CUnsignedInt(CLINUX_AT_RECURSIVE) : 0
        // An access-time value replaces the whole field: the kernel takes the field cleared as a
        // whole or not at all.
        let isAboutTimes = !set.union(clear).isDisjoint(with: .accessTimeMask)
        let times = isAboutTimes ? clear.union(.accessTimeMask) : clear
        try checkDone(clinux_mount_setattr(rawValue, depth, set.rawValue, times.rawValue, 0))
    }

    /// The corresponding C function is `mount_setattr` with `propagation`.
    public func setMountPropagation(
        _ propagation: MountPropagation, recursive: Bool
    ) throws(Errno) {
        let depth = recursive ? CUnsignedInt(CLINUX_AT_RECURSIVE) : 0
        try checkDone(clinux_mount_setattr(rawValue, depth, 0, 0, propagation.rawValue))
    }

    /// Which mount the file is reached through.
    ///
    /// - Throws: `Errno.notSupported` where the kernel (before 5.8) does not tell.
    ///
    /// The corresponding C function is `statx` with `STATX_MNT_ID`.
    public func mountID() throws(Errno) -> UInt64 {
        var found: UInt64 = 0
        try checkDone(unsafe clinux_mount_id(rawValue, &found))
        return found
    }
}

/// Changes of the mount tree that need a path.
public enum MountTree {
    /// The corresponding C function is `mount_setattr` on `/`.
    public static func setRootPropagation(
        _ propagation: MountPropagation, recursive: Bool
    ) throws(Errno) {
        let depth = recursive ? CUnsignedInt(CLINUX_AT_RECURSIVE) : 0
        try checkDone(clinux_set_root_propagation(depth, propagation.rawValue))
    }

    /// Whether this process may mount where it is.
    public static var mayBeChanged: Bool {
        (try? DetachedMount.clone("/", recursive: true)) != nil
    }

    /// The root of the mount that `directory` is reached through.
    ///
    /// The corresponding C functions are `openat` with `..` and `statx` with `STATX_MNT_ID`.
    ///
    /// - Throws: `Errno.notSupported` where the kernel (before 5.8) does not tell mounts apart.
    public static func top(of directory: FileDescriptor) throws(Errno) -> OwnedDescriptor {
        var current = try OwnedDescriptor.duplicate(directory)
        let mount = try current.borrowed.mountID()
        while true {
            let parent = try current.borrowed.open("..", [.path, .directory])
            let here = try FileStatus.of(current.borrowed)
            let above = try FileStatus.of(parent.borrowed)
            let isRoot = here.inode == above.inode && here.device == above.device
            if isRoot { return current }
            if try parent.borrowed.mountID() != mount { return current }
            current = parent
        }
    }

    /// Takes a mount away by its root. The working directory is there afterwards.
    ///
    /// The corresponding C functions are `fchdir` and `umount2` with `MNT_DETACH`.
    public static func detach(_ root: FileDescriptor) throws(Errno) {
        try CurrentProcess.changeDirectory(root)
        try checkDone(unsafe umount2(".", CInt(CLINUX_MNT_DETACH)))
    }

    /// Takes a mount away by its root, which may be a file.
    ///
    /// - Parameter proc: A procfs that shows this process. The working directory is there afterwards.
    ///
    /// The corresponding C functions are `fchdir` and `umount2` with `MNT_DETACH`.
    public static func detach(_ root: FileDescriptor, by proc: FileDescriptor) throws(Errno) {
        try CurrentProcess.changeDirectory(proc)
        let path = "self/fd/\(root.rawValue)"
        try checkDone(unsafe umount2(path, CInt(CLINUX_MNT_DETACH)))
    }

    /// Makes the current working directory the root of the mount namespace and lets go of the
    /// old one with all that is mounted there.
    ///
    /// The corresponding C functions are `pivot_root(".", ".")`, `mount_setattr` and
    /// `umount2(".", MNT_DETACH)`:
    /// the old root comes to lie on top of the new one, so no directory for it is needed.
    ///
    /// - Parameter covers: How many mounts lie on the old root itself. A path that leads to it leads to
    ///   the topmost of them.
    public static func pivotToWorkingDirectory(covers: Int = 0) throws(Failure) {
        // Opened before: "." stays the new root, whatever lies on top of it.
        let old = try attempt("open", #""/""#, try HostPath.open("/", [.path, .directory]))
        try attempt("pivot_root", #"".""#, try checkDone(unsafe clinux_pivot_root(".", ".")))
        // Unmounting a tree that is shared with the host would unmount the host's.
        try attempt(
            "mount_setattr", "rslave, of the old root",
            try old.borrowed.setMountPropagation(.slave, recursive: true))
        for _ in 0...covers {
            try attempt(
                "umount2", "of the old root",
                try checkDone(unsafe umount2(".", CInt(CLINUX_MNT_DETACH))))
        }
        try attempt("chdir", #""/""#, try checkDone(unsafe chdir("/")))
        if try attempt("statx", #""/..""#, try isCovered()) {
            throw Failure("the host's tree still lies on the new root")
        }
    }

    /// Whether something is mounted on the root of this process, which `..` leads to.
    private static func isCovered() throws(Errno) -> Bool {
        let root = try HostPath.open("/", [.path, .directory])
        let above = try HostPath.open("/..", [.path, .directory])
        do throws(Errno) {
            return try root.borrowed.mountID() != above.borrowed.mountID()
        } catch .notSupported {
            // Before Linux 5.8 the kernel does not tell.
            return false
        }
    }

    /// The corresponding C function is `mount` with file-system-specific data, for file systems
    /// and kernels whose new mount interface cannot say it.
    public static func mount(
        _ type: String, source: String, on target: String, data: String
    ) throws(Errno) {
        try checkDone(unsafe Glibc.mount(source, target, type, 0, data))
    }
}
