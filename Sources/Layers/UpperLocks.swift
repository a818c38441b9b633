internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// Who uses what in a directory that `--upper` keeps: locks on bytes of the file `DIR/lock`, which
/// lies where neither a container nor another user can open it.
///
/// Byte 0 is the upper; the snapshot with the number N is byte N.
final class UpperLocks: Sendable {
    static let name = "lock"

    /// Nil on a read-only file system, where nothing needs to be locked.
    private let file: LayerDirectory?
    private let status: FileStatus?

    /// Opens the file, and makes it where it is missing.
    init(in directory: FileDescriptor) throws(Errno) {
        let opened: OwnedDescriptor
        do throws(Errno) {
            // Without waiting, should there be a FIFO.
            opened = try directory.open(
                UpperLocks.name, [.readWrite, .create, .nonBlocking, .noControllingTerminal],
                mode: 0o600)
        } catch .readOnlyFileSystem {
            file = nil
            status = nil
            return
        }
        let found = try FileStatus.of(opened.borrowed)
        if found.kind != .regular { throw .notPermitted }
        file = LayerDirectory(opened, layer: 0)
        status = found
    }

    /// Takes one, or turns the own one into another; held as long as this value lives.
    ///
    /// - Throws: `Errno.wouldBlock` when another process holds it.
    func take(_ number: Int, exclusive: Bool) throws(Errno) {
        try file?.borrowed.lock(byte: Int64(number), exclusive: exclusive)
    }

    /// Whether these are the locks of that directory, or of one that has been removed.
    func belong(to directory: FileDescriptor) throws(Errno) -> Bool {
        guard let status else { return true }
        do throws(Errno) {
            return try FileStatus.of(UpperLocks.name, in: directory).isSame(as: status)
        } catch .noSuchFileOrDirectory {
            return false
        }
    }
}

extension KeptUpper {
    /// Which notes a layer holds, where that is known: of what runs have written, by the record
    /// beside it, which no container reaches; of another layer, as that says itself.
    static func marks(of layer: FileDescriptor) throws(Errno) -> LayerMarks? {
        if let (directory, _) = try place(of: layer) {
            do throws(Errno) {
                if let record = try read(directory.borrowed).flatMap(Record.init) {
                    return record.marks.kind
                }
            } catch .notPermitted {
                // Another user's record is not believed.
            }
        }
        return try LayerMarks(recordedOn: layer)
    }

    /// Says on what runs have written, which is used as a layer now, which notes it holds: the
    /// overlay on it is refused where it would not see them.
    static func mark(_ layer: FileDescriptor) throws(Errno) {
        guard let marks = try marks(of: layer) else { return }
        if try LayerMarks(recordedOn: layer) == marks { return }
        try layer.setAttribute(LayerMarks.attribute, Array(marks.rawValue.utf8), of: .itself)
    }

    /// The directory that keeps a layer, and the number of its lock; nil where none does.
    static func place(
        of layer: FileDescriptor
    ) throws(Errno) -> (directory: LayerDirectory, number: Int)? {
        let status = try FileStatus.of(layer)
        let parent = try layer.open("..", [.path, .directory])
        if try holds(parent.borrowed, "upper", status), try holds(parent.borrowed, "work", nil) {
            return (LayerDirectory(parent, layer: 0), 0)
        }
        let directory = try parent.borrowed.open("..", [.path, .directory])
        let folder = try FileStatus.of(parent.borrowed)
        guard try holds(directory.borrowed, snapshotsName, folder) else { return nil }
        for name in try parent.borrowed.entries() {
            guard let snapshot = Snapshot(directoryName: name) else { continue }
            if try holds(parent.borrowed, name, status) {
                return (LayerDirectory(directory, layer: 0), snapshot.number)
            }
        }
        return nil
    }

    /// - Parameter wanted: What it is; nil for any directory.
    private static func holds(
        _ directory: FileDescriptor, _ name: String, _ wanted: FileStatus?
    ) throws(Errno) -> Bool {
        do throws(Errno) {
            let found = try FileStatus.of(name, in: directory)
            return wanted.map(found.isSame) ?? (found.kind == .directory)
        } catch .noSuchFileOrDirectory {
            return false
        }
    }
}
