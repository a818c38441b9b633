internal import Archives
internal import LinuxSystem
internal import SystemPackage

/// Where layers lie, each a directory named by its diff-id: `sha256/<64 digits>`.
///
/// A layer is written under another name, `partial/…`, and gets its own when all of it is there,
/// verified and on the disk. One process at a time writes, which the lock on the file `lock` is
/// for; what lies in `partial` when nobody holds it is what an interrupted one has left, and goes.
final class LayerStore {
    /// As the user wrote it.
    let path: String
    private let directory: OwnedDescriptor
    private let layers: OwnedDescriptor
    private let partial: OwnedDescriptor
    private let lock: OwnedDescriptor
    let privilege = Privilege.current

    private static let sha256 = FileName("sha256")

    /// Opens the store, makes what is missing of it, and waits for its lock.
    ///
    /// - Parameters:
    ///   - bundle: Where it is the directory `layers`; nil for one that the user has named.
    ///   - waiting: Called when another process has the lock.
    init(
        _ path: String, in bundle: FileDescriptor?, waiting: () -> Void
    ) throws(ImageError) {
        self.path = path
        // What is made in it has the modes that the archive says.
        Credentials.setFileModeMask(0)
        let opened = try LayerStore.open(path, in: bundle)
        try LayerStore.requireOwn(opened.borrowed, path)
        lock = try atFile("\(path)/lock") { () throws(Errno) in
            let file = try opened.borrowed.open(
                "lock", [.readWrite, .create, .nonBlocking, .noControllingTerminal], mode: 0o600)
            do throws(Errno) {
                try file.borrowed.lock(exclusive: true)
            } catch .wouldBlock {
                waiting()
                try file.borrowed.waitForLock(until: Clock.deadline(seconds: 3600))
            }
            return file
        }
        layers = try LayerStore.makeDirectory("sha256", in: opened.borrowed, path)
        partial = try LayerStore.makeDirectory("partial", in: opened.borrowed, path)
        directory = opened
        let remains = partial.borrowed
        try atFile("\(path)/partial") { () throws(Errno) in
            for name in try remains.names() { try remains.removeTree(name) }
        }
    }

    private static func open(
        _ path: String, in bundle: FileDescriptor?
    ) throws(ImageError) -> OwnedDescriptor {
        try atFile(path) { () throws(Errno) in
            guard let bundle, let name = FileName("layers") else {
                try HostPath.makeDirectories(path, mode: 0o755)
                return try HostPath.open(path, [.readOnly, .directory])
            }
            do throws(Errno) {
                return try bundle.makePlainDirectory(name, mode: 0o700)
            } catch .fileExists {
                // A link would lead elsewhere, where layers would be removed and written.
                return try bundle.open(name, [.readOnly, .directory])
            }
        }
    }

    /// What lies in a store is believed, and is not mixed with other files.
    private static func requireOwn(
        _ directory: FileDescriptor, _ path: String
    ) throws(ImageError) {
        let status = try atFile(path) { () throws(Errno) in try FileStatus.of(directory) }
        let names = try atFile(path) { () throws(Errno) in Set(try directory.entries()) }
        if !status.isOwned || !status.isOwn && !names.isEmpty {
            throw ImageError(
                "\(path) cannot be a store of layers: \(status.foreignness ?? "");"
                    + " name a directory of this user's own that nobody else may write to")
        }
        if names.contains("sha256") { return }
        if let other = names.subtracting(["lock", "partial", "sha256"]).sorted().first {
            throw ImageError(
                "\(path) holds other files, \"\(other)\" for one; name a new directory, or an empty"
                    + " one")
        }
    }

    /// Makes one of the two directories that layers lie in. Layers hold programs with set-id bits:
    /// no other user gets into it, whatever the store's own mode is.
    private static func makeDirectory(
        _ name: String, in store: FileDescriptor, _ path: String
    ) throws(ImageError) -> OwnedDescriptor {
        let opened = try atFile("\(path)/\(name)") { () throws(Errno) in
            guard let name = FileName(name) else { throw .invalidArgument }
            do throws(Errno) {
                return try store.makePlainDirectory(name, mode: 0o700)
            } catch .fileExists {
                return try store.open(name, [.readOnly, .directory])
            }
        }
        let directory = opened.borrowed
        let status = try atFile("\(path)/\(name)") { () throws(Errno) in
            try FileStatus.of(directory)
        }
        if !status.isOwned {
            throw ImageError("\(path)/\(name): \(status.foreignness ?? ""); remove it")
        }
        // Earlier versions made it 0755.
        if status.permissions != 0o700 {
            try atFile("\(path)/\(name)") { () throws(Errno) in
                try directory.makePlain(mode: 0o700)
            }
        }
        return opened
    }

    /// Where a layer lies, relative to the store.
    static func location(of diffID: Digest) -> String { "sha256/" + diffID.hexadecimal }

    /// The directory of a layer that is there; nil where it is not.
    func layer(_ diffID: Digest) throws(ImageError) -> OwnedDescriptor? {
        guard let name = FileName(diffID.hexadecimal) else { return nil }
        do throws(Errno) {
            return try layers.borrowed.enter(name)
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw ImageError("\(path)/\(LayerStore.location(of: diffID)): \(error.words)")
        }
    }

    /// A new empty directory for a layer whose name is not known yet.
    func makePartial() throws(ImageError) -> PartialLayer {
        let partial = partial.borrowed
        return try atFile("\(path)/partial") { () throws(Errno) in
            guard let name = FileName("layer") else { throw .invalidArgument }
            try partial.removeTree(name)
            return PartialLayer(
                name: name, root: try partial.makePlainDirectory(name, mode: 0o755))
        }
    }

    /// A layer in the making.
    struct PartialLayer: ~Copyable {
        let name: FileName
        let root: OwnedDescriptor
    }

    /// Gives the layer its name, now that it is whole.
    ///
    /// - Parameter synchronizing: It is on the disk before; without that a machine that stops
    ///   right afterwards may leave a layer that looks whole and is not.
    func finish(
        _ layer: consuming PartialLayer, as diffID: Digest, synchronizing: Bool
    ) throws(ImageError) {
        let root = layer.root.borrowed
        let from = layer.name
        let (partial, layers) = (partial.borrowed, layers.borrowed)
        try atFile("\(path)/\(LayerStore.location(of: diffID))") { () throws(Errno) in
            guard let name = FileName(diffID.hexadecimal) else { throw .invalidArgument }
            if synchronizing { try root.synchronizeFileSystem() }
            do throws(Errno) {
                try partial.rename(from, to: name, in: layers)
            } catch .fileExists {
                try partial.removeTree(from)
            } catch .directoryNotEmpty {
                try partial.removeTree(from)
            }
            if synchronizing { try layers.synchronize() }
        }
    }

    /// Removes what became of a layer that failed.
    func discardPartial() {
        if let name = FileName("layer") { try? partial.borrowed.removeTree(name) }
    }
}
