public import LinuxSystem
internal import SystemPackage

/// A state that was frozen as a layer: `DIR/snapshots/0001-NAME`.
public struct Snapshot: Sendable, Hashable {
    /// They lie on each other in this order.
    public var number: Int
    public var name: String

    public init(number: Int, name: String) {
        self.number = number
        self.name = name
    }

    /// Of its directory.
    public var directoryName: String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "-" + name
    }

    init?(directoryName: String) {
        let parts = directoryName.split(separator: "-", maxSplits: 1)
        guard parts.count == 2, parts[0].utf8.count >= 4, let number = Int(parts[0]), number > 0
        else { return nil }
        self.init(number: number, name: String(parts[1]))
    }

    /// - Throws: A sentence with what is allowed.
    public static func check(name: String) throws(LayerError) {
        if !name.isPlainName || name.isEmpty || name.utf8.count > 200 {
            throw LayerError(
                "the snapshot's name \"\(name)\" is none; letters, digits and _ + - . are allowed,"
                    + " at most 200")
        }
    }
}

extension KeptUpper {
    static let snapshotsName = "snapshots"
    /// What is being removed.
    static let removedName = ".removed"

    /// The snapshots in a directory, oldest first; none where nothing is there.
    public static func snapshots(in path: String) throws(LayerError) -> [Snapshot] {
        if isMissing(path) { return [] }
        // Named: what is not would be closed before it is read.
        let directory = try openDirectory(path)
        return try snapshots(in: directory.borrowed, path)
    }

    static func snapshots(
        in directory: FileDescriptor, _ path: String
    ) throws(LayerError) -> [Snapshot] {
        do throws(Errno) {
            let folder = try directory.open(snapshotsName, [.readOnly, .directory])
            return try folder.borrowed.entries().compactMap(Snapshot.init(directoryName:))
                .sorted { $0.number < $1.number }
        } catch .noSuchFileOrDirectory {
            return []
        } catch {
            throw LayerError("open \"\(path)/\(snapshotsName)\": \(error.words)")
        }
    }

    private func snapshots() throws(LayerError) -> [Snapshot] {
        try KeptUpper.snapshots(in: directory.borrowed, path)
    }

    private func openFolder() throws(Errno) -> OwnedDescriptor {
        try directory.borrowed.open(KeptUpper.snapshotsName, [.readOnly, .directory])
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
    public func freeze(as snapshot: Snapshot) throws(LayerError) -> KeptUpper {
        do throws(Errno) {
            guard let all = FileName(KeptUpper.snapshotsName) else { throw .invalidArgument }
            do throws(Errno) {
                _ = try directory.borrowed.makePlainDirectory(all, mode: 0o700)
            } catch .fileExists {
            }
            let folder = try openFolder()
            guard let name = FileName(snapshot.directoryName), let upper = FileName("upper"),
                let work = FileName("work")
            else { throw .invalidArgument }
            if (try? FileStatus.of(name, in: folder.borrowed)) != nil { throw .fileExists }
            // What overlayfs keeps there belongs to this upper.
            try directory.borrowed.removeTree(work)
            try directory.borrowed.rename(upper, to: name, in: folder.borrowed)
        } catch {
            throw LayerError(
                "the snapshot \"\(snapshot.name)\" of \"\(path)\" cannot be taken: \(error.words)")
        }
        try makeUpper()
        // The lock on the upper is held on; the run lies on the snapshot too.
        try share(snapshot)
        return try KeptUpper(reopening: self)
    }

    /// Makes one snapshot of two that follow each other: the newer one, with what the older one has
    /// below it. Another name is lost, no state of a run.
    ///
    /// - Parameter layers: What the older one lies on, bottom first.
    public func merge(
        _ older: Snapshot, into newer: Snapshot, over layers: [String], marks: OverlayMarks
    ) throws(LayerError) {
        var uppers: [LayerDirectory] = []
        for snapshot in [newer, older] {
            try lock(snapshot)
            uppers.append(LayerDirectory(try open(snapshot), layer: uppers.count))
        }
        let stack = try LayerStack(uppers: uppers, over: layers, marks: marks)
        let folder = "\(path)/\(KeptUpper.snapshotsName)"
        try clear(".merged")
        try stack.commit(uppers: 2, to: OutputPlace("\(folder)/.merged"))
        // With the older one below it the merged one is the same as without.
        do throws(Errno) {
            let opened = try openFolder()
            guard let aside = FileName(".merged"), let name = FileName(newer.directoryName) else {
                throw .invalidArgument
            }
            try opened.borrowed.exchange(name, with: aside)
        } catch {
            throw LayerError(
                "the snapshots \"\(older.name)\" and \"\(newer.name)\" of \"\(path)\" cannot be"
                    + " merged: \(error.words)")
        }
        try clear(older.directoryName)
        try clear(".merged")
    }

    private func clear(_ name: String) throws(LayerError) {
        do throws(Errno) {
            let opened = try openFolder()
            guard let name = FileName(name) else { throw .invalidArgument }
            try opened.borrowed.removeTree(name)
        } catch {
            throw LayerError(
                "remove \"\(path)/\(KeptUpper.snapshotsName)/\(name)\": \(error.words)")
        }
    }

    /// Goes back to a snapshot: what was written since is removed, with the snapshots taken since.
    ///
    /// Each is moved away before it is removed, the newest first: whatever happens, what is there
    /// is a state that was. It must be locked.
    public func goBack(to snapshot: Snapshot) throws(LayerError) {
        try discard(try snapshots().filter { $0.number > snapshot.number })
        try makeUpper()
    }

    /// Removes all that runs have written here, with every snapshot, and the directory where nothing
    /// else is in it. It must be locked.
    public func removeAll() throws(LayerError) {
        try discard(try snapshots())
        do throws(Errno) {
            // The lock last: it is held until then.
            for name in [
                KeptUpper.snapshotsName, KeptUpper.recordName, KeptUpper.userName, UpperLocks.name,
            ] {
                guard let name = FileName(name) else { throw .invalidArgument }
                try directory.borrowed.removeTree(name)
            }
        } catch {
            throw LayerError("remove what is left in \"\(path)\": \(error.words)")
        }
        // Somebody may keep more in it, or may not remove it from where it lies: both are theirs.
        try? HostPath.removeDirectory(path)
    }

    /// Moves the upper and some of the snapshots, the newest first, to where they are removed.
    private func discard(_ newer: [Snapshot]) throws(LayerError) {
        for one in newer { try lock(one) }
        do throws(Errno) {
            guard let removed = FileName(KeptUpper.removedName), let upper = FileName("upper"),
                let work = FileName("work")
            else { throw .invalidArgument }
            try directory.borrowed.removeTree(removed)
            try directory.borrowed.makeDirectory(removed, mode: 0o700)
            let bin = try directory.borrowed.open(removed, [.readOnly, .directory])
            try directory.borrowed.rename(upper, to: upper, in: bin.borrowed)
            try directory.borrowed.rename(work, to: work, in: bin.borrowed)
            for one in newer.reversed() {
                let folder = try openFolder()
                guard let name = FileName(one.directoryName) else { throw .invalidArgument }
                try folder.borrowed.rename(name, to: name, in: bin.borrowed)
            }
            try directory.borrowed.removeTree(removed)
        } catch {
            throw LayerError("what was written cannot be removed: \(error.words)")
        }
    }

    /// What was written, top first: the upper and the snapshots below it.
    ///
    /// - Parameter name: Of the snapshot that counts as a layer below, with those before it; nil for
    ///   none.
    /// - Returns: Numbered from 0; and the directories of the snapshots that count as layers.
    public func uppers(
        since name: String?
    ) throws(LayerError) -> (uppers: [LayerDirectory], below: [String]) {
        let snapshots = try snapshots()
        var first = 0
        if let name {
            guard let found = snapshots.firstIndex(where: { $0.name == name }) else {
                throw LayerError("\"\(path)\" has no snapshot \"\(name)\"; undo --list names them")
            }
            first = found + 1
        }
        var uppers = [upper]
        for snapshot in snapshots[first...].reversed() {
            uppers.append(LayerDirectory(try open(snapshot), layer: uppers.count))
        }
        return (uppers, snapshots[..<first].map { KeptUpper.path(of: $0, in: path) })
    }

    private func open(_ snapshot: Snapshot) throws(LayerError) -> OwnedDescriptor {
        do throws(Errno) {
            let folder = try openFolder()
            return try folder.borrowed.open(snapshot.directoryName, [.readOnly, .directory])
        } catch {
            let place = KeptUpper.path(of: snapshot, in: path)
            throw LayerError("open \"\(place)\": \(error.words)")
        }
    }

    /// Shares the lock on one that was merged into, and is a layer like others from here on.
    func share(_ snapshot: Snapshot) throws(LayerError) {
        do throws(Errno) {
            try locks.take(snapshot.number, exclusive: false)
        } catch {
            throw LayerError("lock \"\(path)/\(UpperLocks.name)\": \(error.words)")
        }
    }

    /// Held as the upper's lock is.
    private func lock(_ snapshot: Snapshot) throws(LayerError) {
        do throws(Errno) {
            try locks.take(snapshot.number, exclusive: true)
        } catch .wouldBlock {
            throw LayerError(
                "the snapshot \"\(snapshot.name)\" of \"\(path)\" is in use as a layer; wait for the"
                    + " end of the run")
        } catch {
            throw LayerError("lock \"\(path)/\(UpperLocks.name)\": \(error.words)")
        }
    }
}
