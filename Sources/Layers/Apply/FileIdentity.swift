internal import LinuxSystem

/// What is remembered of a file of the tree: enough to tell whether it is still the same one, and
/// unchanged.
struct FileIdentity: Hashable {
    var inode: UInt64
    var kind: FileKind
    var size: Int64
    var modified: FileTime
    var changed: FileTime

    init(_ status: FileStatus) {
        inode = status.inode
        kind = status.kind
        // A directory's changes with every file in it.
        size = status.kind == .directory ? 0 : status.size
        modified = status.modified
        changed = status.changed
    }

    init(inode: UInt64, kind: FileKind, size: Int64, modified: FileTime, changed: FileTime) {
        self.inode = inode
        self.kind = kind
        self.size = size
        self.modified = modified
        self.changed = changed
    }

    /// Whether the file is the same, and nothing of it has changed.
    func isUnchanged(_ status: FileStatus) -> Bool {
        isSame(status) && changed == status.changed
    }

    /// Whether the file is the same, and its content. A rename changes the time of change.
    func isSame(_ status: FileStatus) -> Bool {
        inode == status.inode && kind == status.kind
            && (kind == .directory || size == status.size && modified == status.modified)
    }
}

/// Mode, owner, time and extended attributes of a file of the tree, as they were or are to be.
struct FileAttributes: Hashable {
    var mode: UInt32
    var user: UInt32
    var group: UInt32
    /// Nil: as the kernel leaves it.
    var modified: FileTime?
    /// Those that differ before and after.
    var values: [Attribute] = []
    var absent: [String] = []

    struct Attribute: Hashable {
        var name: String
        var value: [UInt8]
    }

    init(mode: UInt32, user: UInt32, group: UInt32, modified: FileTime?) {
        self.mode = mode
        self.user = user
        self.group = group
        self.modified = modified
    }

    init(_ status: FileStatus) {
        self.init(
            mode: status.permissions, user: status.userID, group: status.groupID,
            modified: status.modified)
    }

    /// Whether a file with other attributes has all of these already, but for the time.
    func changesNothing(of other: FileAttributes) -> Bool {
        mode == other.mode && user == other.user && group == other.group && values.isEmpty
            && absent.isEmpty
    }

    /// Whether a process that has a file with other attributes open for writing would gain by them:
    /// it may write to what others trust then.
    func grants(over other: FileAttributes) -> Bool {
        mode & ~other.mode != 0 || user != other.user || group != other.group
            || values.contains { !$0.name.hasPrefix("user.") }
    }
}
