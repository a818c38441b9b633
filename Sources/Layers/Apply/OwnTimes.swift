internal import LinuxSystem
internal import SystemPackage

/// Files of the tree that an apply has written or moved, with the time of their last change: one
/// whose time is still the same was changed by nobody else since.
///
/// The file `own` grows with every apply; a later record of the same file counts.
final class OwnTimes {
    private let file: HeldDescriptor
    private let path: String
    private var times: [UInt64: FileTime] = [:]
    private var pending = RecordWriter()

    private static let size = 24
    /// The tree is what they are read for: its files are no more than the file system holds.
    private static let most = 1 << 24

    init(_ file: consuming OwnedDescriptor, path: String) throws(Failure) {
        self.file = HeldDescriptor(file)
        self.path = path
        try dropPart()
        try read()
    }

    /// A process that was killed, or a full disk, may have left a part of a record at the end.
    private func dropPart() throws(Failure) {
        let size = try attempt("fstat", on: path, try FileStatus.of(file.borrowed)).size
        let part = size % Int64(OwnTimes.size)
        if part == 0 { return }
        try attempt("ftruncate", on: path, try file.borrowed.setSize(size - part))
    }

    private func read() throws(Failure) {
        var offset: Int64 = 0
        while times.count < OwnTimes.most {
            let bytes = try attempt(
                "read", on: path,
                try file.borrowed.readBytes(upTo: OwnTimes.size << 12, at: offset))
            var reader = RecordReader(bytes)
            while let inode = reader.number(), let time = reader.time() { times[inode] = time }
            if bytes.count < OwnTimes.size << 12 { return }
            offset += Int64(bytes.count)
        }
    }

    func note(_ status: FileStatus) throws(Failure) {
        times[status.inode] = status.changed
        pending.add(status.inode)
        pending.add(status.changed)
        if pending.bytes.count > 1 << 16 { try flush() }
    }

    func flush() throws(Failure) {
        if pending.bytes.isEmpty { return }
        try attempt("write", on: path, try file.borrowed.write(all: pending.bytes))
        pending = RecordWriter()
    }

    /// Whether an apply has ever written or moved it.
    func knows(_ status: FileStatus) -> Bool { times[status.inode] != nil }

    /// Whether the last change of the file was an apply's own.
    func isOwn(_ status: FileStatus) -> Bool { times[status.inode] == status.changed }
}
