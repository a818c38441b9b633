internal import Archives
internal import LinuxSystem

/// The privilege of the process that unpacks.
enum Privilege: Sendable, Hashable {
    /// Owners, devices and attributes are kept as they are.
    case root
    /// Everything is this user's: an ordinary user cannot give files away.
    case user

    static var current: Privilege { Credentials.effectiveUser == 0 ? .root : .user }

    private static let ownGroup = Credentials.effectiveGroup

    /// Who an entry belongs to; nil where it has been made as theirs.
    func owner(
        of entry: ArchiveEntry, _ path: EntryPath
    ) throws(Failure) -> (user: UInt32, group: UInt32)? {
        guard let user = entry.userID, let group = entry.groupID else {
            throw Failure("the entry \(path.text) belongs to an id that Linux does not have")
        }
        if self == .user || user == 0 && group == Privilege.ownGroup { return nil }
        return (user, group)
    }

    /// Bits without which this process could not fill a directory.
    var addedToDirectories: UInt32 { self == .user ? 0o700 : 0 }

    /// The same for attributes of a file.
    var addedToFiles: UInt32 { self == .user ? 0o600 : 0 }
}
