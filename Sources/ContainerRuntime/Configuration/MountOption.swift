internal import LinuxSystem
internal import OCISpec

/// The meaning of a mount option.
enum MountOption {
    case attribute(set: MountAttributes = [], clear: MountAttributes = [])
    case recursiveAttribute(set: MountAttributes = [], clear: MountAttributes = [])
    case propagation(MountPropagation, isRecursive: Bool)
    case bind(isRecursive: Bool)
    case remount
    /// The content of the directory below is copied into the new tmpfs.
    case copyUp
    /// A flag of the file system itself, which a bind mount shares and cannot change.
    case superblock(String)
    /// Without effect: the default, or decided by the kernel.
    case nothing
    /// An id-mapped mount.
    case idMap(isRecursive: Bool)

    /// The options of the runtime specification 1.3.0, "Linux mount options".
    static let table: [(name: String, meaning: MountOption)] = [
        ("async", .superblock("async")),
        ("atime", .attribute(clear: .noAccessTime)),
        ("bind", .bind(isRecursive: false)),
        ("defaults", .nothing),
        ("dev", .attribute(clear: .noDevices)),
        ("diratime", .attribute(clear: .noDirectoryAccessTime)),
        ("dirsync", .superblock("dirsync")),
        ("exec", .attribute(clear: .noExecution)),
        // Since Linux 6 file systems decide about i_version.
        ("iversion", .nothing),
        ("lazytime", .superblock("lazytime")),
        // The messages of the kernel about a mount, which are read from the context in any case.
        ("loud", .nothing),
        // Mandatory locking has gone from the kernel (5.15).
        ("mand", .nothing),
        ("noatime", .attribute(set: .noAccessTime)),
        ("nodev", .attribute(set: .noDevices)),
        ("nodiratime", .attribute(set: .noDirectoryAccessTime)),
        ("noexec", .attribute(set: .noExecution)),
        ("noiversion", .nothing),
        ("nolazytime", .superblock("nolazytime")),
        ("nomand", .nothing),
        ("norelatime", .attribute(clear: .accessTimeMask)),
        ("nostrictatime", .attribute(clear: .strictAccessTime)),
        ("nosuid", .attribute(set: .noSetUserID)),
        ("nosymfollow", .attribute(set: .noSymbolicLinks)),
        ("private", .propagation(.private, isRecursive: false)),
        ("ratime", .recursiveAttribute(clear: .noAccessTime)),
        ("rbind", .bind(isRecursive: true)),
        ("rdev", .recursiveAttribute(clear: .noDevices)),
        ("rdiratime", .recursiveAttribute(clear: .noDirectoryAccessTime)),
        ("relatime", .attribute(clear: .accessTimeMask)),
        ("remount", .remount),
        ("rexec", .recursiveAttribute(clear: .noExecution)),
        ("rnoatime", .recursiveAttribute(set: .noAccessTime)),
        ("rnodev", .recursiveAttribute(set: .noDevices)),
        ("rnodiratime", .recursiveAttribute(set: .noDirectoryAccessTime)),
        ("rnoexec", .recursiveAttribute(set: .noExecution)),
        ("rnorelatime", .recursiveAttribute(clear: .accessTimeMask)),
        ("rnostrictatime", .recursiveAttribute(clear: .strictAccessTime)),
        ("rnosuid", .recursiveAttribute(set: .noSetUserID)),
        ("rnosymfollow", .recursiveAttribute(set: .noSymbolicLinks)),
        ("ro", .attribute(set: .readOnly)),
        ("rprivate", .propagation(.private, isRecursive: true)),
        ("rrelatime", .recursiveAttribute(clear: .accessTimeMask)),
        ("rro", .recursiveAttribute(set: .readOnly)),
        ("rrw", .recursiveAttribute(clear: .readOnly)),
        ("rshared", .propagation(.shared, isRecursive: true)),
        ("rslave", .propagation(.slave, isRecursive: true)),
        ("rstrictatime", .recursiveAttribute(set: .strictAccessTime)),
        ("rsuid", .recursiveAttribute(clear: .noSetUserID)),
        ("rsymfollow", .recursiveAttribute(clear: .noSymbolicLinks)),
        ("runbindable", .propagation(.unbindable, isRecursive: true)),
        ("rw", .attribute(clear: .readOnly)),
        ("shared", .propagation(.shared, isRecursive: false)),
        ("silent", .nothing),
        ("slave", .propagation(.slave, isRecursive: false)),
        ("strictatime", .attribute(set: .strictAccessTime)),
        ("suid", .attribute(clear: .noSetUserID)),
        ("symfollow", .attribute(clear: .noSymbolicLinks)),
        ("sync", .superblock("sync")),
        ("unbindable", .propagation(.unbindable, isRecursive: false)),
        ("idmap", .idMap(isRecursive: false)),
        ("ridmap", .idMap(isRecursive: true)),
        ("tmpcopyup", .copyUp),
    ]

    /// nil for an option of the file system itself: `mode=755`.
    static func named(_ name: String) -> MountOption? {
        table.first { $0.name == name }?.meaning
    }
}
