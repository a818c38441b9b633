internal import Archives
internal import LinuxSystem
internal import SystemPackage

/// Where layers lie, each a directory named by its diff-id: `sha256/<64 digits>`.
///
/// A layer is written under another name, `partial/…`, and gets its own when it is complete,
/// verified and on the disk. One process at a time writes, under a lock on the file `lock`; entries of
/// `partial` that no process holds are left by an interrupted one, and are removed.
final class LayerStore {
    /// As the user wrote it.
    let path: String
    private let layers: OwnedDescriptor
    private let partial: OwnedDescriptor
    /// Held while the store lives.
    private let lock: OwnedDescriptor
    let privilege = Privilege.current

    /// Opens the store, makes what is missing of it, and waits for its lock.
    ///
    /// - Parameters:
    ///   - bundle: Where it is the directory `layers`; nil for one that the user has named.
    ///   - waiting: Called when another process has the lock.
    init(
        _ path: String, in bundle: FileDescriptor?, waiting: () -> Void
    ) throws(Failure) {
        self.path = path
        // What is made in it has the modes that the archive says.
        Credentials.setFileModeMask(0)
        let store: OwnedDescriptor
        if let bundle {
            store = try attempt("open", on: path, try bundle.openOrMake("layers", mode: 0o700))
        } else {
            try attempt("mkdir", on: path, try HostPath.makeDirectories(path, mode: 0o755))
            store = try attempt("open", on: path, try HostPath.open(path, [.readOnly, .directory]))
        }
        try LayerStore.requireOwn(store.borrowed, path)
        lock = try LayerStore.takeLock(in: store.borrowed, path, waiting)
        layers = try LayerStore.makeDirectory("sha256", in: store.borrowed, path)
        partial = try LayerStore.makeDirectory("partial", in: store.borrowed, path)
        let remains = partial.borrowed
        for name in try attempt("readdir", on: "\(path)/partial", try remains.names()) {
            try attempt("unlink", on: "\(path)/partial", try remains.removeTree(name))
        }
    }

    private static func takeLock(
        in store: FileDescriptor, _ path: String, _ waiting: () -> Void
    ) throws(Failure) -> OwnedDescriptor {
        let place = "\(path)/lock"
        let flags: OpenFlags = [.readWrite, .create, .nonBlocking, .noControllingTerminal]
        let file = try attempt("open", on: place, try store.open("lock", flags, mode: 0o600))
        do throws(Errno) {
            try file.borrowed.lock(exclusive: true)
        } catch .wouldBlock {
            waiting()
            let deadline = Clock.deadline(seconds: 3600)
            try attempt("flock", on: place, try file.borrowed.waitForLock(until: deadline))
        } catch {
            throw Failure("flock", place.inQuotes, error)
        }
        return file
    }

    /// The files of a store are trusted, and are not mixed with others.
    private static func requireOwn(
        _ directory: FileDescriptor, _ path: String
    ) throws(Failure) {
        let status = try attempt("fstat", on: path, try FileStatus.of(directory))
        let names = try attempt("readdir", on: path, Set(try directory.entries()))
        if !status.isOwned || !status.isOwn && !names.isEmpty {
            throw Failure(
                "\(path) cannot be a store of layers: \(status.foreignness ?? "");"
                    + " name a directory that belongs to this user and that other users cannot write to"
            )
        }
        if names.contains("sha256") { return }
        if let other = names.subtracting(["lock", "partial", "sha256"]).sorted().first {
            throw Failure(
                "\(path) is not empty (it has \"\(other)\"); name a new or empty directory")
        }
    }

    /// Makes one of the two directories that layers lie in. Layers hold programs with set-id bits:
    /// no other user gets into it, whatever the store's own mode is.
    private static func makeDirectory(
        _ name: String, in store: FileDescriptor, _ path: String
    ) throws(Failure) -> OwnedDescriptor {
        let place = "\(path)/\(name)"
        let opened = try attempt("mkdir", on: place, try store.openOrMake(name, mode: 0o700))
        let directory = opened.borrowed
        let status = try attempt("fstat", on: place, try FileStatus.of(directory))
        if !status.isOwned { throw Failure("\(place): \(status.foreignness ?? ""); remove it") }
        // Earlier versions made it 0755.
        if status.permissions != 0o700 {
            try attempt("fchmod", on: place, try directory.makePlain(mode: 0o700))
        }
        return opened
    }

    /// Where a layer lies, relative to the store.
    static func location(of diffID: Digest) -> String { "sha256/" + diffID.hexadecimal }

    private func place(of diffID: Digest) -> String { "\(path)/\(LayerStore.location(of: diffID))" }

    /// The directory of a layer that is there; nil where it is not.
    func layer(_ diffID: Digest) throws(Failure) -> OwnedDescriptor? {
        guard let name = FileName(diffID.hexadecimal) else { return nil }
        return try attempt(
            "open", on: place(of: diffID), try unlessMissing(try layers.borrowed.enter(name)))
    }

    private static let partialName = "layer"

    /// A new empty directory for a layer whose name is not known yet.
    func makePartial() throws(Failure) -> OwnedDescriptor {
        try attempt(
            "mkdir", on: "\(path)/partial", try makePartial(FileName(LayerStore.partialName)))
    }

    private func makePartial(_ name: FileName?) throws(Errno) -> OwnedDescriptor {
        guard let name else { throw .invalidArgument }
        try partial.borrowed.removeTree(name)
        return try partial.borrowed.makePlainDirectory(name, mode: 0o755)
    }

    /// Gives the layer its name, now that it is complete.
    ///
    /// - Parameter synchronizing: It is on the disk before; without that a machine that stops
    ///   right afterwards may leave a layer that looks complete and is not.
    func finish(
        _ layer: FileDescriptor, as diffID: Digest, synchronizing: Bool
    ) throws(Failure) {
        let place = place(of: diffID)
        if synchronizing { try attempt("syncfs", on: place, try layer.synchronizeFileSystem()) }
        try attempt("rename", on: place, try renamePartial(to: diffID))
        if synchronizing { try attempt("fsync", on: place, try layers.borrowed.synchronize()) }
    }

    private func renamePartial(to diffID: Digest) throws(Errno) {
        guard let from = FileName(LayerStore.partialName), let to = FileName(diffID.hexadecimal)
        else { throw .invalidArgument }
        do throws(Errno) {
            try partial.borrowed.rename(from, to: to, in: layers.borrowed)
        } catch .fileExists {
            try partial.borrowed.removeTree(from)
        } catch .directoryNotEmpty {
            try partial.borrowed.removeTree(from)
        }
    }

    /// Removes the rest of a layer that failed.
    func discardPartial() {
        if let name = FileName(LayerStore.partialName) { try? partial.borrowed.removeTree(name) }
    }
}
