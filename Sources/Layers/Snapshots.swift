internal import LinuxSystem
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
    private static let removedName = ".removed"

    /// The snapshots in a directory, oldest first; none where nothing is there.
    public static func snapshots(in path: String) throws(LayerError) -> [Snapshot] {
        do throws(Errno) {
            let folder = try HostPath.open("\(path)/\(snapshotsName)", [.readOnly, .directory])
            return try folder.borrowed.entries().compactMap(Snapshot.init(directoryName:))
                .sorted { $0.number < $1.number }
        } catch .noSuchFileOrDirectory {
            return []
        } catch {
            throw LayerError("open \"\(path)/\(snapshotsName)\": \(error.words)")
        }
    }

    /// The directory of a snapshot.
    public static func path(of snapshot: Snapshot, in path: String) -> String {
        "\(path)/\(snapshotsName)/\(snapshot.directoryName)"
    }

    /// Makes what a run writes to, where it is missing.
    ///
    /// The root of the container has the attributes of its upper: a new one gets those of what it
    /// follows.
    public static func make(in path: String) throws(LayerError) {
        do throws(Errno) {
            try HostPath.makeDirectories(path, mode: 0o755)
            try HostPath.makeDirectories("\(path)/work", mode: 0o700)
            let directory = try HostPath.open(path, [.readOnly, .directory])
            guard let name = FileName("upper") else { return }
            do throws(Errno) {
                try directory.borrowed.makeDirectory(name, mode: 0o755)
            } catch .fileExists {
                return
            }
            guard let last = try? snapshots(in: path).last else { return }
            let source = try HostPath.open(self.path(of: last, in: path), [.readOnly, .directory])
            let status = try FileStatus.of(source.borrowed)
            try directory.borrowed.changeOwner(name, user: status.userID, group: status.groupID)
            try directory.borrowed.changeMode(name, status.permissions)
        } catch {
            let advice =
                error == .permissionDenied ? "; name a directory that this user may write to" : ""
            throw LayerError("mkdir \"\(path)/upper\": \(error.words)\(advice)")
        }
    }

    /// Freezes what was written as a snapshot; what follows is written to a new upper.
    ///
    /// It is one rename: whatever happens, the state is frozen or it is not. It must be locked.
    ///
    /// - Returns: The new upper, locked.
    public func freeze(as snapshot: Snapshot) throws(LayerError) -> KeptUpper {
        do throws(Errno) {
            try HostPath.makeDirectories("\(path)/\(KeptUpper.snapshotsName)", mode: 0o755)
            let directory = try HostPath.open(path, [.readOnly, .directory])
            let folder = try directory.borrowed.open(
                KeptUpper.snapshotsName, [.readOnly, .directory])
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
        try KeptUpper.make(in: path)
        let next = try KeptUpper(opening: path)
        try next.lock()
        return next
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
            let opened = try open(snapshot)
            try lock(opened, snapshot)
            uppers.append(LayerDirectory(opened, layer: uppers.count))
        }
        let stack = try LayerStack(uppers: uppers, over: layers, marks: marks)
        let folder = "\(path)/\(KeptUpper.snapshotsName)"
        try clear(".merged", in: folder)
        try stack.commit(uppers: 2, to: OutputPlace("\(folder)/.merged"))
        // With the older one below it the merged one is the same as without.
        do throws(Errno) {
            let opened = try HostPath.open(folder, [.readOnly, .directory])
            guard let aside = FileName(".merged"), let name = FileName(newer.directoryName) else {
                throw .invalidArgument
            }
            try opened.borrowed.exchange(name, with: aside)
        } catch {
            throw LayerError(
                "the snapshots \"\(older.name)\" and \"\(newer.name)\" of \"\(path)\" cannot be"
                    + " merged: \(error.words)")
        }
        try clear(older.directoryName, in: folder)
        try clear(".merged", in: folder)
    }

    private func clear(_ name: String, in folder: String) throws(LayerError) {
        do throws(Errno) {
            let opened = try HostPath.open(folder, [.readOnly, .directory])
            guard let name = FileName(name) else { throw .invalidArgument }
            try opened.borrowed.removeTree(name)
        } catch {
            throw LayerError("remove \"\(folder)/\(name)\": \(error.words)")
        }
    }

    /// Goes back to a snapshot: what was written since is removed, with the snapshots taken since.
    ///
    /// Each is moved away before it is removed, the newest first: whatever happens, what is there
    /// is a state that was. It must be locked.
    public func goBack(to snapshot: Snapshot) throws(LayerError) {
        let newer = try KeptUpper.snapshots(in: path).filter { $0.number > snapshot.number }
        try discard(newer)
        try KeptUpper.make(in: path)
    }

    /// Removes all that runs have written here, with every snapshot, and the directory where nothing
    /// else is in it. It must be locked.
    public func removeAll() throws(LayerError) {
        try discard(KeptUpper.snapshots(in: path))
        do throws(Errno) {
            let directory = try HostPath.open(path, [.readOnly, .directory])
            for name in [KeptUpper.snapshotsName, KeptUpper.recordName] {
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
        var locks: [LayerDirectory] = []
        for one in newer {
            let opened = try open(one)
            try lock(opened, one)
            locks.append(LayerDirectory(opened, layer: 0))
        }
        do throws(Errno) {
            let directory = try HostPath.open(path, [.readOnly, .directory])
            guard let removed = FileName(KeptUpper.removedName), let upper = FileName("upper"),
                let work = FileName("work")
            else { throw .invalidArgument }
            try directory.borrowed.removeTree(removed)
            try directory.borrowed.makeDirectory(removed, mode: 0o700)
            let bin = try directory.borrowed.open(removed, [.readOnly, .directory])
            try directory.borrowed.rename(upper, to: upper, in: bin.borrowed)
            try directory.borrowed.rename(work, to: work, in: bin.borrowed)
            for one in newer.reversed() {
                let folder = try directory.borrowed.open(
                    KeptUpper.snapshotsName, [.readOnly, .directory])
                guard let name = FileName(one.directoryName) else { throw .invalidArgument }
                try folder.borrowed.rename(name, to: name, in: bin.borrowed)
            }
            try directory.borrowed.removeTree(removed)
        } catch {
            throw LayerError("what was written cannot be removed: \(error.words)")
        }
        _ = locks
    }

    /// What was written, top first: the upper and the snapshots below it.
    ///
    /// - Parameter name: Of the snapshot that counts as a layer below, with those before it; nil for
    ///   none.
    /// - Returns: Numbered from 0; and the directories of the snapshots that count as layers.
    public func uppers(
        since name: String?
    ) throws(LayerError) -> (uppers: [LayerDirectory], below: [String]) {
        let snapshots = try KeptUpper.snapshots(in: path)
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
        let place = KeptUpper.path(of: snapshot, in: path)
        do throws(Errno) {
            return try HostPath.open(place, [.readOnly, .directory])
        } catch {
            throw LayerError("open \"\(place)\": \(error.words)")
        }
    }

    private func lock(
        _ opened: borrowing OwnedDescriptor, _ snapshot: Snapshot
    ) throws(LayerError) {
        do throws(Errno) {
            try opened.borrowed.lock(exclusive: true)
        } catch {
            throw LayerError(
                "the snapshot \"\(snapshot.name)\" of \"\(path)\" is in use as a layer; wait for the"
                    + " end of the run")
        }
    }
}
