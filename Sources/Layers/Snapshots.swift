public import LinuxSystem
internal import SystemPackage

/// The snapshots of an upper, in `DIR/snapshots`.
extension KeptUpper {
    static let snapshotsName = "snapshots"
    private static let folderName: FileName = "snapshots"
    /// Holds files that are being removed.
    static let removedName = ".removed"

    /// The snapshots in a directory, oldest first; none where nothing is there.
    public static func snapshots(in path: String) throws(Failure) -> [Snapshot] {
        if try isMissing(path) { return [] }
        // Kept in a variable: a temporary would be closed before the read.
        let directory = try openDirectory(path)
        return try snapshots(in: directory.borrowed, path)
    }

    static func snapshots(
        in directory: FileDescriptor, _ path: String
    ) throws(Failure) -> [Snapshot] {
        let place = "\(path)/\(snapshotsName)"
        let found = try attempt("open", on: place, try unlessMissing(try openFolder(in: directory)))
        guard let folder = found else { return [] }
        let names = try attempt("readdir", on: place, try folder.borrowed.entries())
        return names.compactMap(Snapshot.init(directoryName:)).sorted { $0.number < $1.number }
    }

    func snapshots() throws(Failure) -> [Snapshot] {
        try KeptUpper.snapshots(in: directory.borrowed, path)
    }

    private static func openFolder(in directory: FileDescriptor) throws(Errno) -> OwnedDescriptor {
        try directory.open(snapshotsName, [.readOnly, .directory])
    }

    private func openFolder() throws(Errno) -> OwnedDescriptor {
        try KeptUpper.openFolder(in: directory.borrowed)
    }

    /// The directory of a snapshot.
    public static func path(of snapshot: Snapshot, in path: String) -> String {
        "\(path)/\(snapshotsName)/\(snapshot.directoryName)"
    }

    /// Freezes what was written as a snapshot; what follows is written to a new upper.
    ///
    /// It is one rename: whatever happens, the state is frozen or it is not. It must be locked.
    ///
    /// - Returns: The new upper, locked.
    public func freeze(as snapshot: Snapshot) throws(Failure) -> KeptUpper {
        try attempt("rename", on: KeptUpper.path(of: snapshot, in: path), try move(to: snapshot))
        try makeUpper()
        // The lock on the upper is held on; the run lies on the snapshot too.
        try share(snapshot)
        return try KeptUpper(reopening: self)
    }

    private func move(to snapshot: Snapshot) throws(Errno) {
        let all = try directory.borrowed.openOrMake(KeptUpper.snapshotsName, mode: 0o700)
        let name = try snapshot.fileName
        let there = try unlessMissing(try FileStatus.of(name, in: all.borrowed))
        if there != nil { throw .fileExists }
        // What overlayfs keeps there belongs to this upper.
        try directory.borrowed.removeTree("work")
        try directory.borrowed.rename("upper", to: name, in: all.borrowed)
    }

    /// Makes one snapshot of two that follow each other: the newer one, with what the older one has
    /// below it. Another name is lost, no state of a run.
    ///
    /// - Parameter layers: What the older one lies on, bottom first.
    public func merge(
        _ older: Snapshot, into newer: Snapshot, over layers: [String], marks: OverlayMarks
    ) throws(Failure) {
        var uppers: [LayerDirectory] = []
        for snapshot in [newer, older] {
            try lock(snapshot)
            uppers.append(LayerDirectory(try open(snapshot), layer: uppers.count))
        }
        let stack = try LayerStack(uppers: uppers, over: layers, marks: marks)
        let merged = "\(path)/\(KeptUpper.snapshotsName)/.merged"
        try attempt("unlink", on: merged, try clear(".merged"))
        try stack.commit(uppers: 2, to: OutputPlace(merged))
        // With the older one below it the merged one is the same as without.
        try attempt("renameat2", on: merged, try exchange(newer))
        try attempt(
            "unlink", on: KeptUpper.path(of: older, in: path), try clear(try older.fileName))
        try attempt("unlink", on: merged, try clear(".merged"))
    }

    private func clear(_ name: FileName) throws(Errno) {
        let folder = try openFolder()
        try folder.borrowed.removeTree(name)
    }

    private func exchange(_ snapshot: Snapshot) throws(Errno) {
        let folder = try openFolder()
        try folder.borrowed.exchange(try snapshot.fileName, with: ".merged")
    }

    /// Goes back to a snapshot: what was written since is removed, with the snapshots taken since.
    ///
    /// Each is moved away before it is removed, the newest first: whatever happens, what is there
    /// is a state that was. It must be locked.
    public func goBack(to snapshot: Snapshot) throws(Failure) {
        try discard(try snapshots().filter { $0.number > snapshot.number })
        try makeUpper()
    }

    /// Removes all that runs have written here, with every snapshot, and the directory where nothing
    /// else is in it. It must be locked.
    public func removeAll() throws(Failure) {
        try discard(try snapshots())
        // The lock last: it is held until then.
        let names: [FileName] = [
            KeptUpper.folderName, "applied", "layers.json", "process.json", "lock",
        ]
        for name in names {
            try attempt(
                "unlink", on: "\(path)/\(name.text)", try directory.borrowed.removeTree(name))
        }
        // Other files in it, and a parent that this user may not write to, are the user's business.
        try? HostPath.removeDirectory(path)
    }

    /// Removes the upper and some of the snapshots.
    private func discard(_ newer: [Snapshot]) throws(Failure) {
        for one in newer { try lock(one) }
        try attempt("unlink", on: path, try remove(newer))
    }

    /// Moves them, the newest first, to where they are removed.
    private func remove(_ newer: [Snapshot]) throws(Errno) {
        let (removed, upper, work): (FileName, FileName, FileName) = (".removed", "upper", "work")
        try directory.borrowed.removeTree(removed)
        try directory.borrowed.makeDirectory(removed, mode: 0o700)
        let bin = try directory.borrowed.open(removed, [.readOnly, .directory])
        try directory.borrowed.rename(upper, to: upper, in: bin.borrowed)
        try directory.borrowed.rename(work, to: work, in: bin.borrowed)
        for one in newer.reversed() {
            let folder = try openFolder()
            let name = try one.fileName
            try folder.borrowed.rename(name, to: name, in: bin.borrowed)
        }
        try directory.borrowed.removeTree(removed)
    }

    /// The upper and the snapshots below it, top first.
    ///
    /// - Parameter name: Of the snapshot that counts as a layer below, with those before it; nil for
    ///   none.
    /// - Returns: Numbered from 0; and the directories of the snapshots that count as layers.
    public func uppers(
        since name: String?
    ) throws(Failure) -> (uppers: [LayerDirectory], below: [String]) {
        let snapshots = try snapshots()
        var first = 0
        if let name {
            guard let found = snapshots.firstIndex(where: { $0.name == name }) else {
                throw Failure("\"\(path)\" has no snapshot \"\(name)\"; undo --list names them")
            }
            first = found + 1
        }
        var uppers = [upper]
        for snapshot in snapshots[first...].reversed() {
            uppers.append(LayerDirectory(try open(snapshot), layer: uppers.count))
        }
        return (uppers, snapshots[..<first].map { KeptUpper.path(of: $0, in: path) })
    }

    private func open(_ snapshot: Snapshot) throws(Failure) -> OwnedDescriptor {
        let place = KeptUpper.path(of: snapshot, in: path)
        let folder = try attempt("open", on: place, try openFolder())
        return try attempt(
            "open", on: place,
            try folder.borrowed.open(snapshot.directoryName, [.readOnly, .directory]))
    }

    /// Shares the lock on one that was merged into, and is a layer like others from here on.
    func share(_ snapshot: Snapshot) throws(Failure) {
        try attempt("lock", on: lockPath, try locks.take(snapshot.number, exclusive: false))
    }

    /// Held as the upper's lock is.
    private func lock(_ snapshot: Snapshot) throws(Failure) {
        do throws(Errno) {
            try locks.take(snapshot.number, exclusive: true)
        } catch .wouldBlock {
            throw Failure(
                "the snapshot \"\(snapshot.name)\" of \"\(path)\" is in use as a layer; wait for the"
                    + " end of the run")
        } catch {
            throw Failure("lock", lockPath.inQuotes, error)
        }
    }
}
