internal import CArchive

/// One entry of a tar archive, valid until the reader goes on.
@safe
public struct ArchiveEntry {
    /// The kind of file, or another name of a file before it.
    public enum Kind: Sendable, Hashable {
        case regular, directory, symbolicLink, characterDevice, blockDevice, fifo
        case hardLink
        /// `S_IFSOCK` or nothing that is known.
        case other
    }

    private let entry: OpaquePointer

    init(_ entry: OpaquePointer) {
        unsafe self.entry = entry
    }

    public var kind: Kind {
        if unsafe archive_entry_hardlink(entry) != nil { return .hardLink }
        // S_IFMT of inode(7).
        switch unsafe archive_entry_filetype(entry) & 0o170000 {
        case 0o100000: return .regular
        case 0o040000: return .directory
        case 0o120000: return .symbolicLink
        case 0o020000: return .characterDevice
        case 0o060000: return .blockDevice
        case 0o010000: return .fifo
        default: return .other
        }
    }

    /// The name's bytes, as they stand in the archive.
    public var path: [UInt8] { unsafe ArchiveEntry.bytes(archive_entry_pathname(entry)) }

    /// Where a symbolic link leads, or which entry a hard link is another name of.
    public var linkTarget: [UInt8] {
        if let target = unsafe archive_entry_hardlink(entry) {
            return unsafe ArchiveEntry.bytes(target)
        }
        return unsafe ArchiveEntry.bytes(archive_entry_symlink(entry))
    }

    /// Permission bits with set-id and sticky bits, 0…0o7777.
    public var permissions: UInt32 { unsafe UInt32(archive_entry_perm(entry)) & 0o7777 }
    /// Nil where it is no user id of Linux.
    public var userID: UInt32? { unsafe ArchiveEntry.id(archive_entry_uid(entry)) }
    public var groupID: UInt32? { unsafe ArchiveEntry.id(archive_entry_gid(entry)) }
    /// In bytes, holes among them; 0 for what has no content.
    public var size: Int64 { unsafe Int64(archive_entry_size(entry)) }
    /// Seconds and nanoseconds since 1970; nil where the archive does not say it.
    public var modified: (seconds: Int64, nanoseconds: Int64)? {
        guard unsafe archive_entry_mtime_is_set(entry) != 0 else { return nil }
        return unsafe (
            Int64(archive_entry_mtime(entry)), Int64(archive_entry_mtime_nsec(entry))
        )
    }
    /// Of a device.
    public var major: UInt32 { unsafe UInt32(truncatingIfNeeded: archive_entry_rdevmajor(entry)) }
    public var minor: UInt32 { unsafe UInt32(truncatingIfNeeded: archive_entry_rdevminor(entry)) }

    /// Whether it carries an access control list in the text form of star.
    public var hasAccessControlList: Bool {
        unsafe archive_entry_acl_types(entry) != 0
    }

    /// The extended attributes.
    public var attributes: [(name: String, value: [UInt8])] {
        var found: [(name: String, value: [UInt8])] = []
        guard unsafe archive_entry_xattr_reset(entry) > 0 else { return found }
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while unsafe archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK {
            guard let name = unsafe name else { continue }
            let bytes = unsafe UnsafeRawBufferPointer(start: value, count: size)
            unsafe found.append((String(cString: name), Array(bytes)))
        }
        return found
    }

    private static func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
        guard let text = unsafe text else { return [] }
        var count = 0
        while unsafe text[count] != 0 { count += 1 }
        return unsafe Array(UnsafeRawBufferPointer(start: text, count: count))
    }

    /// −1 is no id: the kernel takes it for "leave it".
    private static func id(_ number: la_int64_t) -> UInt32? {
        guard number >= 0, number < la_int64_t(UInt32.max) else { return nil }
        return UInt32(number)
    }
}
