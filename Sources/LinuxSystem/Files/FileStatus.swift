internal import CLinux
internal import Glibc
public import SystemPackage

/// The kind of a file, from `st_mode`.
public enum FileKind: Sendable, Hashable {
    case regular, directory, symbolicLink, characterDevice, blockDevice, fifo, socket

    init(mode: UInt32) {
        self =
            switch mode & S_IFMT {
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            case S_IFCHR: .characterDevice
            case S_IFBLK: .blockDevice
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            default: .regular
            }
    }

    /// The type in `st_mode`.
    public var modeBits: UInt32 {
        switch self {
        case .regular: UInt32(S_IFREG)
        case .directory: UInt32(S_IFDIR)
        case .symbolicLink: UInt32(S_IFLNK)
        case .characterDevice: UInt32(S_IFCHR)
        case .blockDevice: UInt32(S_IFBLK)
        case .fifo: UInt32(S_IFIFO)
        case .socket: UInt32(S_IFSOCK)
        }
    }
}

/// The part of `struct stat` that a runtime asks for.
public struct FileStatus: Sendable, Hashable {
    public var kind: FileKind
    /// Permission bits with set-id and sticky bits, 0…0o7777.
    public var permissions: UInt32
    public var userID: UInt32
    public var groupID: UInt32
    /// In bytes.
    public var size: Int64
    /// How many bytes lie on the disk: fewer than the size where there are holes.
    public var allocated: Int64
    public var device: UInt64
    public var inode: UInt64
    /// How many names it has.
    public var linkCount: UInt64
    /// When its content has changed last.
    public var modified: FileTime
    /// When anything of it has changed last: the kernel alone sets it.
    public var changed: FileTime
    /// The number of a device node, 0:0 for other files.
    public var deviceNumber: DeviceNumber

    init(_ found: stat) {
        kind = FileKind(mode: found.st_mode)
        permissions = found.st_mode & 0o7777
        userID = found.st_uid
        groupID = found.st_gid
        size = Int64(found.st_size)
        // In units of 512 bytes, whatever the file system has.
        allocated = Int64(found.st_blocks) * 512
        device = UInt64(found.st_dev)
        inode = UInt64(found.st_ino)
        linkCount = UInt64(found.st_nlink)
        modified = FileTime(
            seconds: Int64(found.st_mtim.tv_sec), nanoseconds: Int64(found.st_mtim.tv_nsec))
        changed = FileTime(
            seconds: Int64(found.st_ctim.tv_sec), nanoseconds: Int64(found.st_ctim.tv_nsec))
        deviceNumber = DeviceNumber(
            major: clinux_major(found.st_rdev), minor: clinux_minor(found.st_rdev))
    }

    /// The corresponding C function is `fstat`.
    public static func of(_ descriptor: FileDescriptor) throws(Errno) -> FileStatus {
        var found = stat()
        try checkDone(unsafe fstat(descriptor.rawValue, &found))
        return FileStatus(found)
    }

    /// The corresponding C function is `stat`, which follows symbolic links.
    public static func of(path: String) throws(Errno) -> FileStatus {
        var found = stat()
        try checkDone(unsafe stat(path, &found))
        return FileStatus(found)
    }

    /// The corresponding C function is `fstatat` with `AT_SYMLINK_NOFOLLOW`.
    public static func of(
        _ name: String, in directory: FileDescriptor
    ) throws(Errno) -> FileStatus {
        var found = stat()
        try checkDone(
            unsafe fstatat(directory.rawValue, name, &found, AT_SYMLINK_NOFOLLOW))
        return FileStatus(found)
    }
}

/// A device node's number.
public struct DeviceNumber: Sendable, Hashable, CustomStringConvertible {
    public var major: UInt32
    public var minor: UInt32

    public init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }

    public var description: String { "\(major):\(minor)" }

    /// `/dev/null`, which masks files: 1:3.
    public static let null = DeviceNumber(major: 1, minor: 3)
    /// `/dev/ptmx`: 5:2.
    public static let pseudoterminalMultiplexer = DeviceNumber(major: 5, minor: 2)
}

/// The magic number of a file system (statfs(2)).
public struct FileSystemMagic: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }

    /// The corresponding C constant is `PROC_SUPER_MAGIC`.
    public static let procfs = FileSystemMagic(rawValue: 0x9fa0)
    /// The corresponding C constant is `DEVPTS_SUPER_MAGIC`.
    public static let devpts = FileSystemMagic(rawValue: 0x1cd1)
    /// The corresponding C constant is `SYSFS_MAGIC`.
    public static let sysfs = FileSystemMagic(rawValue: 0x6265_6572)
    /// Of message queues. The corresponding C constant is `MQUEUE_MAGIC`.
    public static let messageQueues = FileSystemMagic(rawValue: 0x1980_0202)
    /// The corresponding C constant is `CGROUP2_SUPER_MAGIC`.
    public static let cgroup2 = FileSystemMagic(rawValue: 0x6367_7270)
    /// Of version 1. The corresponding C constant is `CGROUP_SUPER_MAGIC`.
    public static let cgroup = FileSystemMagic(rawValue: 0x27_e0eb)
    /// The corresponding C constant is `RDTGROUP_SUPER_MAGIC`.
    public static let resctrl = FileSystemMagic(rawValue: 0x765_5821)

    /// The corresponding C constant is `OVERLAYFS_SUPER_MAGIC`.
    public static let overlay = FileSystemMagic(rawValue: 0x794c_7630)

    /// Of pipes without a name. The corresponding C constant is `PIPEFS_MAGIC`.
    public static let pipes = FileSystemMagic(rawValue: 0x5049_5045)

    /// The corresponding C function is `fstatfs`.
    public static func of(_ descriptor: FileDescriptor) throws(Errno) -> FileSystemMagic {
        FileSystemMagic(rawValue: try check(clinux_filesystem_type(descriptor.rawValue)))
    }
}

extension FileDescriptor {
    /// Whether nothing can be written where the file lies: because of its mount or because of its
    /// file system. False where it cannot be told. The corresponding C function is `fstatvfs`.
    public var isOnReadOnlyFileSystem: Bool {
        var found = statvfs()
        return unsafe fstatvfs(rawValue, &found) == 0 && found.f_flag & 1 != 0  // ST_RDONLY
    }
}
