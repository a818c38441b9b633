internal import LinuxSystem
internal import SystemPackage

/// A file that records are appended to, each with its length and a check sum, so that the end of one
/// that was being written when the machine stopped is recognised.
final class ApplyJournal {
    private let file: HeldDescriptor
    private let path: String
    private var pending: [UInt8] = []

    /// Attributes of one file have at most 64 KB each.
    private static let mostBytes = 4 << 20

    /// - Parameter file: Open for reading, and for writing at its end.
    init(_ file: consuming OwnedDescriptor, path: String) {
        self.file = HeldDescriptor(file)
        self.path = path
    }

    /// Whether a record of it can be read again.
    static func holds(_ step: ApplyStep) -> Bool {
        ApplyRecord.step(step).bytes.count <= mostBytes
    }

    /// Written with others, later.
    func append(_ record: ApplyRecord) throws(Failure) {
        let bytes = record.bytes
        if bytes.count > ApplyJournal.mostBytes {
            throw Failure(
                "\(path.inQuotes) holds no record of \(bytes.count) bytes, only of"
                    + " \(ApplyJournal.mostBytes)")
        }
        var frame = RecordWriter()
        frame.add(UInt64(bytes.count))
        frame.add(bytes)
        frame.add(ApplyJournal.sum(of: bytes))
        pending += frame.bytes
        if pending.count > 1 << 16 { try flush() }
    }

    /// Hands all records to the kernel: a process that is killed loses none of them.
    func flush() throws(Failure) {
        if pending.isEmpty { return }
        try attempt("write", on: path, try file.borrowed.write(all: pending))
        pending = []
    }

    /// Waits until all records are on the disk.
    func synchronize() throws(Failure) {
        try flush()
        try attempt("fsync", on: path, try file.borrowed.synchronize())
    }

    /// FNV-1a.
    private static func sum(of bytes: [UInt8]) -> UInt64 {
        var sum: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return sum
    }

    // MARK: Reading

    /// What the records say of the apply as a whole.
    struct Content {
        var header: ApplyHeader?
        var store: UInt64?
        /// The last one; `moves` is told apart.
        var mark: ApplyMark?
        var hasMoves = false

        fileprivate mutating func note(_ record: ApplyRecord) {
            switch record {
            case .header(let found): header = found
            case .store(let inode): store = inode
            case .mark(.moves): hasMoves = true
            case .mark(let found): mark = found
            case .step: break
            }
        }
    }

    /// Reads a journal that another process has written, and cuts off the record that was being written
    /// when the process was killed or the machine stopped.
    ///
    /// - Throws: Something else follows the last whole record. The steps behind it are not known, and
    ///   they may have been carried out.
    func recover() throws(Failure) -> Content {
        var content = Content()
        var end: Int64 = 0
        try forEach { offset, record in
            content.note(record)
            end = offset + Int64(record.bytes.count) + 16
        }
        let size = try attempt("fstat", on: path, try FileStatus.of(file.borrowed)).size
        if end == size { return content }
        let head = try attempt("read", on: path, try file.borrowed.readBytes(upTo: 8, at: end))
        let needed = ApplyJournal.needed(head[...])
        let isCut = needed <= ApplyJournal.mostBytes + 16 && Int64(needed) > size - end
        let isEmpty = try attempt("read", on: path, try file.borrowed.isZero(from: end, to: size))
        if !isCut && !isEmpty { throw damaged }
        try attempt("ftruncate", on: path, try file.borrowed.setSize(end))
        return content
    }

    private var damaged: Failure {
        Failure(
            "\(path.inQuotes) is damaged, so that the last apply can be neither completed nor taken"
                + " back; the files that it has replaced or removed lie in the directory \"store\""
                + " beside it, or in \(AppliedTree.storeName("…")) in the tree: copy those that are"
                + " needed, and remove the directory of \(path.inQuotes)")
    }

    /// Goes through the records from the first one on.
    func forEach(
        _ body: (Int64, ApplyRecord) throws(Failure) -> Void
    ) throws(Failure) {
        try flush()
        var buffer: [UInt8] = []
        var start: Int64 = 0
        var position = 0
        while true {
            let needed = ApplyJournal.needed(buffer[position...])
            if buffer.count - position < needed {
                start += Int64(position)
                let more = try attempt(
                    "read", on: path,
                    try file.borrowed.readBytes(
                        upTo: max(1 << 18, needed),
                        at: start + Int64(buffer.count - position)))
                buffer = Array(buffer[position...]) + more
                position = 0
                if more.isEmpty { return }
                continue
            }
            guard let record = ApplyJournal.record(buffer[position..<position + needed]) else {
                return
            }
            try body(start + Int64(position), record)
            position += needed
        }
    }

    /// The record that starts there.
    func record(at offset: Int64) throws(Failure) -> ApplyRecord? {
        let head = try attempt("read", on: path, try file.borrowed.readBytes(upTo: 512, at: offset))
        let needed = ApplyJournal.needed(head[...])
        if needed > ApplyJournal.mostBytes + 16 { return nil }
        let bytes =
            needed <= head.count
            ? head
            : try attempt(
                "read", on: path, try file.borrowed.readBytes(upTo: needed, at: offset))
        return bytes.count < needed ? nil : ApplyJournal.record(bytes[..<needed])
    }

    /// How many bytes the first frame has; those of its length alone where that is not there yet.
    private static func needed(_ bytes: ArraySlice<UInt8>) -> Int {
        var reader = RecordReader(Array(bytes.prefix(8)))
        guard let count = reader.number() else { return 8 }
        return count > UInt64(mostBytes) ? mostBytes + 17 : Int(count) + 16
    }

    private static func record(_ frame: ArraySlice<UInt8>) -> ApplyRecord? {
        if frame.count > mostBytes + 16 { return nil }
        let bytes = Array(frame.dropFirst(8).dropLast(8))
        var tail = RecordReader(Array(frame.suffix(8)))
        return tail.number() == sum(of: bytes) ? ApplyRecord(bytes) : nil
    }
}

extension FileDescriptor {
    /// Whether a part of this file has no other bytes than 0.
    fileprivate func isZero(from start: Int64, to end: Int64) throws(Errno) -> Bool {
        var offset = start
        while offset < end {
            let bytes = try readBytes(upTo: Int(min(end - offset, 1 << 18)), at: offset)
            if bytes.isEmpty { return true }
            if !bytes.allSatisfy({ $0 == 0 }) { return false }
            offset += Int64(bytes.count)
        }
        return true
    }
}
