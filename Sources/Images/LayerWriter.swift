internal import Archives
internal import Layers
internal import LinuxSystem
internal import SystemPackage

/// Writes the entries of one layer into a directory of this process alone.
///
/// The archive is not trusted. Its names are walked one by one through open directories, so that
/// no link in it, and none that it makes, leads anywhere; what it may not be able to say is an
/// error, and nothing of it is carried out half. What it holds twice counts as it stands last.
final class LayerWriter {
    let privilege: Privilege
    let marks = MarkWriter()
    /// The attributes and files that could not be kept, each once: for the user.
    private(set) var notes: [String] = []
    var limits: Limits

    private let root: OwnedDescriptor
    /// The directories that are open, from the top: entries come sorted, mostly.
    private var open: [OpenDirectory] = []
    private var directories: [DirectoryRecord] = []
    /// The memory of their paths, in bytes.
    private var recorded = 0
    private static let mostRecorded = 512 << 20
    let reader: ArchiveReader

    private final class OpenDirectory {
        let name: FileName
        let descriptor: OwnedDescriptor

        init(_ name: FileName, _ descriptor: consuming OwnedDescriptor) {
            self.name = name
            self.descriptor = descriptor
        }
    }

    /// The attributes of a directory that are set when everything is in it.
    private struct DirectoryRecord {
        /// Names with a slash between them: of many directories less than an `EntryPath` takes.
        var path: [UInt8]
        var depth: Int
        var permissions: UInt32
        var time: FileTime?
    }

    /// - Parameter root: An empty directory (not `O_PATH`).
    init(
        _ root: consuming OwnedDescriptor, reading reader: ArchiveReader, _ privilege: Privilege,
        _ limits: Limits
    ) {
        self.root = root
        self.reader = reader
        self.privilege = privilege
        self.limits = limits
    }

    /// Writes everything.
    ///
    /// - Parameter counted: Called for each entry.
    func writeAll(counted: () -> Void = {}) throws(Failure) {
        while let entry = try reader.nextEntry() {
            counted()
            try limits.take(entry: entry.kind == .hardLink ? 0 : max(entry.size, 0))
            try write(entry)
        }
        try attempt("setxattr", "the root of the layer", try marks.finish(root.borrowed))
        try finishDirectories()
    }

    private func write(_ entry: ArchiveEntry) throws(Failure) {
        let path = try EntryPath(entry.path)
        guard let name = path.names.last else {
            if entry.kind != .directory {
                throw Failure("the root of the layer is no directory in the archive")
            }
            try finish(root.borrowed, entry, path)
            let mode = entry.permissions
            return try attempt(
                "setxattr", path.text, try marks.record(rootMode: mode, on: root.borrowed))
        }
        let parent = try directory(path.parents, for: path)
        if name.isReservedForWhiteouts {
            return try writeWhiteout(name, in: parent, path)
        }
        switch entry.kind {
        case .directory: try writeDirectory(name, in: parent, entry, path)
        case .regular: try writeFile(name, in: parent, entry, path)
        case .hardLink: try writeHardLink(name, entry, path)
        case .symbolicLink: try writeSymbolicLink(name, in: parent, entry, path)
        case .characterDevice, .blockDevice, .fifo:
            try writeNode(name, in: parent, entry, path)
        case .other:
            throw Failure("the entry \(path.text) is of a kind that tar does not have")
        }
    }

    /// The archive decides how many there are.
    private static let mostNotes = 20

    /// Once per kind.
    func note(_ words: String) {
        if notes.count > LayerWriter.mostNotes || notes.contains(words) { return }
        notes.append(
            notes.count < LayerWriter.mostNotes ? words : "there is more that could not be kept")
    }

    // MARK: Directories

    /// Opens the directory of that path, and makes what is missing of it.
    func directory(
        _ names: ArraySlice<FileName>, for path: EntryPath
    ) throws(Failure) -> FileDescriptor {
        if let found = try existing(names, for: path) { return found }
        for name in names.dropFirst(open.count) {
            let parent = open.last?.descriptor.borrowed ?? root.borrowed
            let next: OwnedDescriptor
            do throws(Errno) {
                next = try make(name, in: parent)
            } catch .notDirectory {
                throw Failure(
                    "the entry \(path.text) lies below \(shown(name.bytes)), which is no directory"
                        + " in the same layer")
            } catch {
                throw Failure("the entry \(path.text): \(error.words)")
            }
            open.append(OpenDirectory(name, next))
        }
        return open.last?.descriptor.borrowed ?? root.borrowed
    }

    /// Opens the directory of that path; nil where it is missing, or is no directory.
    func existing(
        _ names: ArraySlice<FileName>, for path: EntryPath
    ) throws(Failure) -> FileDescriptor? {
        let known = zip(open, names).prefix { $0.name == $1 }.count
        open.removeLast(open.count - known)
        for name in names.dropFirst(known) {
            let parent = open.last?.descriptor.borrowed ?? root.borrowed
            do throws(Errno) {
                guard let next = try unlessMissing(try parent.enter(name)) else { return nil }
                open.append(OpenDirectory(name, next))
            } catch .notDirectory {
                return nil
            } catch {
                throw Failure("the entry \(path.text): \(error.words)")
            }
        }
        return open.last?.descriptor.borrowed ?? root.borrowed
    }

    /// - Throws: `Errno.notDirectory` where the layer has another file of that name.
    private func make(_ name: FileName, in parent: FileDescriptor) throws(Errno) -> OwnedDescriptor
    {
        do throws(Errno) {
            try parent.makeDirectory(name, mode: 0o755)
        } catch .fileExists {
            if try marks.hides(name, in: parent) {
                try replaceWhiteout(name, in: parent, mode: 0o755)
            }
        }
        return try parent.enter(name)
    }

    private func writeDirectory(
        _ name: FileName, in parent: FileDescriptor, _ entry: ArchiveEntry, _ path: EntryPath
    ) throws(Failure) {
        // Set-id and sticky bits come last: new files would take their group after one of them.
        let mode = entry.permissions & 0o777 | privilege.addedToDirectories
        try attempt("mkdir", path.text, try makeDirectory(name, in: parent, mode: mode))
        let made = try attempt("open", path.text, try parent.open(name, [.readOnly, .directory]))
        try finish(made.borrowed, entry, path)
    }

    private func makeDirectory(
        _ name: FileName, in parent: FileDescriptor, mode: UInt32
    ) throws(Errno) {
        do throws(Errno) {
            try parent.makeDirectory(name, mode: mode)
        } catch .fileExists {
            if try marks.hides(name, in: parent) {
                try replaceWhiteout(name, in: parent, mode: mode)
            } else if try FileStatus.of(name, in: parent).kind != .directory {
                try parent.remove(name)
                try parent.makeDirectory(name, mode: mode)
            }
        }
    }

    /// Owner and attributes at once, the rest when everything is in it.
    private func finish(
        _ directory: FileDescriptor, _ entry: ArchiveEntry, _ path: EntryPath
    ) throws(Failure) {
        try giveAway(entry, path) { user, group throws(Errno) in
            try directory.changeOwner(user: user, group: group)
        }
        try writeAttributes(entry, path) { name, value throws(Errno) in
            try directory.setAttribute(name, bytes: value)
        }
        let text = path.bytes
        recorded += text.count + MemoryLayout<DirectoryRecord>.stride
        if recorded > LayerWriter.mostRecorded {
            throw Failure(
                "the paths of the layer's directories are longer than"
                    + " \(LayerWriter.mostRecorded >> 20) MiB together; such an archive is not"
                    + " unpacked")
        }
        directories.append(
            DirectoryRecord(
                path: text, depth: path.names.count, permissions: entry.permissions,
                time: entry.time))
    }

    /// Modes and times of the directories, the deepest first: a parent may forbid to enter it.
    private func finishDirectories() throws(Failure) {
        for record in directories.sorted(by: { $0.depth > $1.depth }) {
            let path = record.depth == 0 ? EntryPath([FileName]()) : try EntryPath(record.path)
            let name = path.names.last ?? .here
            // A later entry may have put something else in its place.
            guard let parent = try existing(path.parents, for: path) else { continue }
            let found = try attempt(
                "stat", path.text, try unlessMissing(try FileStatus.of(name, in: parent)))
            if found?.kind != .directory { continue }
            if let time = record.time {
                try attempt("utimensat", path.text, try parent.changeTimes(name, to: time))
            }
            try attempt("fchmodat", path.text, try parent.changeMode(name, record.permissions))
        }
        open = []
        directories = []
    }
}

extension ArchiveEntry {
    var time: FileTime? {
        modified.map { FileTime(seconds: $0.seconds, nanoseconds: $0.nanoseconds) }
    }
}
