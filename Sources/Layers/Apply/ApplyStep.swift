internal import LinuxSystem

/// One effect on the tree: a record of the journal. It is written before it is carried out, and says
/// all that is needed to carry it out or to take it back.
enum ApplyStep: Hashable {
    /// What lies in the store under `number` gets its name, which nothing has.
    case add(path: LayerPath, number: UInt64, new: FileIdentity)
    /// What lies in the store under `number` and the file at `path` change places.
    case replace(path: LayerPath, number: UInt64, new: FileIdentity, old: FileIdentity)
    /// The file at `path` is moved to the store as `number`.
    case delete(path: LayerPath, number: UInt64, old: FileIdentity)
    /// A directory or file stays and gets other attributes.
    case attributes(
        path: LayerPath, old: FileIdentity, before: FileAttributes, after: FileAttributes)

    var path: LayerPath {
        switch self {
        case .add(let path, _, _), .replace(let path, _, _, _), .delete(let path, _, _),
            .attributes(let path, _, _, _):
            path
        }
    }

    /// Of a directory: carried out when everything in it is done.
    var isOfDirectory: Bool {
        if case .attributes(_, let old, _, _) = self { return old.kind == .directory }
        return false
    }
}

/// Whether the steps of an apply are carried out.
enum ApplyMark: UInt8 {
    /// Every step is in the journal, and every new file in the store. Before it the tree is as it
    /// was.
    case staged = 0x10
    /// Every step is carried out.
    case committed = 0x11
    /// The steps are being taken back.
    case undoing = 0x12
    /// Every step is taken back: what is left is to be removed.
    case undone = 0x13
    /// Files of the tree were moved by the run, and the upper names them by the paths they had in the
    /// tree (redirect_dir, metacopy): over the changed tree it shows other files.
    case moves = 0x14
}

enum ApplyRecord: Hashable {
    /// The first record.
    case header(ApplyHeader)
    /// The inode of the store, where it lies in the tree: it is the one that is filled and emptied,
    /// whatever another process puts in its place.
    case store(UInt64)
    case step(ApplyStep)
    case mark(ApplyMark)
}

struct ApplyHeader: Hashable {
    /// The tree, for messages.
    var tree: String
    /// The same for all trees of one command.
    var identifier: String
    /// The name of the store in the tree's root; nil where it lies beside the journal.
    var store: String?
}

// MARK: As bytes

extension ApplyRecord {
    private static let version: UInt8 = 1

    var bytes: [UInt8] {
        var writer = RecordWriter()
        switch self {
        case .header(let header):
            writer.add([1, ApplyRecord.version])
            writer.add(header.tree)
            writer.add(header.identifier)
            writer.add(header.store ?? "")
        case .store(let inode):
            writer.add([6])
            writer.add(inode)
        case .step(.add(let path, let number, let new)):
            writer.add([2])
            writer.add(path, number)
            writer.add(new)
        case .step(.replace(let path, let number, let new, let old)):
            writer.add([3])
            writer.add(path, number)
            writer.add(new)
            writer.add(old)
        case .step(.delete(let path, let number, let old)):
            writer.add([4])
            writer.add(path, number)
            writer.add(old)
        case .step(.attributes(let path, let old, let before, let after)):
            writer.add([5])
            writer.add(path, 0)
            writer.add(old)
            writer.add(before)
            writer.add(after)
        case .mark(let mark): writer.add([mark.rawValue])
        }
        return writer.bytes
    }

    /// Nil for bytes that are no record.
    init?(_ bytes: [UInt8]) {
        var reader = RecordReader(bytes)
        guard let kind = reader.byte() else { return nil }
        if let mark = ApplyMark(rawValue: kind) {
            self = .mark(mark)
            return
        }
        if kind == 1 {
            guard reader.byte() == ApplyRecord.version, let tree = reader.text(),
                let identifier = reader.text(), let store = reader.text()
            else { return nil }
            self = .header(
                ApplyHeader(
                    tree: tree, identifier: identifier, store: store.isEmpty ? nil : store))
            return
        }
        if kind == 6 {
            guard let inode = reader.number() else { return nil }
            self = .store(inode)
            return
        }
        guard let path = reader.data().map(LayerPath.init(bytes:)), let number = reader.number(),
            let first = reader.identity()
        else { return nil }
        switch kind {
        case 2: self = .step(.add(path: path, number: number, new: first))
        case 3:
            guard let old = reader.identity() else { return nil }
            self = .step(.replace(path: path, number: number, new: first, old: old))
        case 4: self = .step(.delete(path: path, number: number, old: first))
        case 5:
            guard let before = reader.attributes(), let after = reader.attributes() else {
                return nil
            }
            self = .step(.attributes(path: path, old: first, before: before, after: after))
        default: return nil
        }
    }
}

/// Little-endian numbers, and bytes with their count in front.
struct RecordWriter {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ more: [UInt8]) { bytes += more }

    mutating func add(_ number: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
        }
    }

    mutating func add(data: [UInt8]) {
        add(UInt64(data.count))
        bytes += data
    }

    mutating func add(_ text: String) { add(data: Array(text.utf8)) }

    mutating func add(_ path: LayerPath, _ number: UInt64) {
        add(data: path.bytes)
        add(number)
    }

    mutating func add(_ time: FileTime) {
        add(UInt64(bitPattern: time.seconds))
        add(UInt64(bitPattern: time.nanoseconds))
    }

    mutating func add(_ identity: FileIdentity) {
        add(identity.inode)
        add(UInt64(identity.kind.modeBits))
        add(UInt64(bitPattern: identity.size))
        add(identity.modified)
        add(identity.changed)
    }

    mutating func add(_ attributes: FileAttributes) {
        add(UInt64(attributes.mode))
        add(UInt64(attributes.user))
        add(UInt64(attributes.group))
        bytes.append(attributes.modified == nil ? 0 : 1)
        add(attributes.modified ?? FileTime(seconds: 0, nanoseconds: 0))
        add(UInt64(attributes.values.count))
        for one in attributes.values {
            add(one.name)
            add(data: one.value)
        }
        add(UInt64(attributes.absent.count))
        for name in attributes.absent { add(name) }
    }
}

struct RecordReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func byte() -> UInt8? {
        if position >= bytes.count { return nil }
        position += 1
        return bytes[position - 1]
    }

    mutating func number() -> UInt64? {
        if bytes.count - position < 8 { return nil }
        var number: UInt64 = 0
        for index in (0..<8).reversed() { number = number << 8 | UInt64(bytes[position + index]) }
        position += 8
        return number
    }

    mutating func data() -> [UInt8]? {
        guard let count = number(), count <= UInt64(bytes.count - position) else { return nil }
        position += Int(count)
        return Array(bytes[(position - Int(count))..<position])
    }

    mutating func text() -> String? { data().map { String(decoding: $0, as: UTF8.self) } }

    mutating func time() -> FileTime? {
        guard let seconds = number(), let nanoseconds = number() else { return nil }
        return FileTime(
            seconds: Int64(bitPattern: seconds), nanoseconds: Int64(bitPattern: nanoseconds))
    }

    mutating func identity() -> FileIdentity? {
        guard let inode = number(), let bits = number(),
            let kind = FileKind.all.first(where: { UInt64($0.modeBits) == bits }),
            let size = number(), let modified = time(), let changed = time()
        else { return nil }
        return FileIdentity(
            inode: inode, kind: kind, size: Int64(bitPattern: size), modified: modified,
            changed: changed)
    }

    mutating func attributes() -> FileAttributes? {
        guard let mode = number(), let user = number(), let group = number(), let hasTime = byte(),
            let modified = time(), let count = number(), count <= UInt64(bytes.count)
        else { return nil }
        var found = FileAttributes(
            mode: UInt32(truncatingIfNeeded: mode), user: UInt32(truncatingIfNeeded: user),
            group: UInt32(truncatingIfNeeded: group), modified: hasTime == 1 ? modified : nil)
        for _ in 0..<count {
            guard let name = text(), let value = data() else { return nil }
            found.values.append(FileAttributes.Attribute(name: name, value: value))
        }
        guard let gone = number(), gone <= UInt64(bytes.count) else { return nil }
        for _ in 0..<gone {
            guard let name = text() else { return nil }
            found.absent.append(name)
        }
        return found
    }
}

extension FileKind {
    fileprivate static let all: [FileKind] = [
        .regular, .directory, .symbolicLink, .characterDevice, .blockDevice, .fifo, .socket,
    ]
}
