internal import Glibc
public import SystemPackage

/// Attributes of a mount, not of its file system (mount_setattr(2)).
public struct MountAttributes: OptionSet, Sendable, Hashable {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The corresponding C constant is `MOUNT_ATTR_RDONLY`.
    public static let readOnly = MountAttributes(rawValue: 0x1)
    /// The corresponding C constant is `MOUNT_ATTR_NOSUID`.
    public static let noSetUserID = MountAttributes(rawValue: 0x2)
    /// The corresponding C constant is `MOUNT_ATTR_NODEV`.
    public static let noDevices = MountAttributes(rawValue: 0x4)
    /// The corresponding C constant is `MOUNT_ATTR_NOEXEC`.
    public static let noExecution = MountAttributes(rawValue: 0x8)
    /// The field of access-time values. The corresponding C constant is `MOUNT_ATTR__ATIME`.
    public static let accessTimeMask = MountAttributes(rawValue: 0x70)
    /// The corresponding C constant is `MOUNT_ATTR_NOATIME`.
    public static let noAccessTime = MountAttributes(rawValue: 0x10)
    /// The corresponding C constant is `MOUNT_ATTR_STRICTATIME`.
    public static let strictAccessTime = MountAttributes(rawValue: 0x20)
    /// The corresponding C constant is `MOUNT_ATTR_NODIRATIME`.
    public static let noDirectoryAccessTime = MountAttributes(rawValue: 0x80)
    /// The corresponding C constant is `MOUNT_ATTR_NOSYMFOLLOW`.
    public static let noSymbolicLinks = MountAttributes(rawValue: 0x20_0000)

    /// Those of the mount that a file lies on: read-only also where only its file system is. Access times
    /// are left out. The corresponding C function is `fstatvfs`.
    public init(of file: FileDescriptor) throws(Errno) {
        var found = statvfs()
        try checkDone(unsafe fstatvfs(file.rawValue, &found))
        let flags = UInt64(found.f_flag)
        // ST_RDONLY, ST_NOSUID, ST_NODEV and ST_NOEXEC have the same values.
        rawValue = flags & 0xf
        // ST_NOSYMFOLLOW of statfs(2).
        if flags & 0x2000 != 0 { insert(.noSymbolicLinks) }
    }

    /// Adds `others`; of two values for access times theirs counts, since the two together are no
    /// value of that field.
    public mutating func override(with others: MountAttributes) {
        if !others.isDisjoint(with: .accessTimeMask) { subtract(.accessTimeMask) }
        formUnion(others)
    }
}

/// How mounts below a mount reach its peers (mount_namespaces(7)).
public enum MountPropagation: UInt64, Sendable, Hashable, CaseIterable {
    /// The corresponding C constant is `MS_UNBINDABLE`.
    case unbindable = 0x2_0000
    /// The corresponding C constant is `MS_PRIVATE`.
    case `private` = 0x4_0000
    /// The corresponding C constant is `MS_SLAVE`.
    case slave = 0x8_0000
    /// The corresponding C constant is `MS_SHARED`.
    case shared = 0x10_0000

    /// The option's name in config.json, without the `r` of the recursive one.
    public var name: String {
        switch self {
        case .unbindable: "unbindable"
        case .private: "private"
        case .slave: "slave"
        case .shared: "shared"
        }
    }
}
