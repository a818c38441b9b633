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
    /// - Parameter waiting: Called when another process has the lock.
    init(_ path: String, waiting: () -> Void) throws(ImageError) {
        self.path = path
        // What is made in it has the modes that the archive says.
        Credentials.setFileModeMask(0)
        let opened = try atFile(path) { () throws(Errno) in
            try HostPath.makeDirectories(path, mode: 0o755)
            return try HostPath.open(path, [.readOnly, .directory])
        }
        lock = try atFile("\(path)/lock") { () throws(Errno) in
            let file = try opened.borrowed.open("lock", [.readWrite, .create], mode: 0o600)
            do throws(Errno) {
                try file.borrowed.lock(exclusive: true)
            } catch .wouldBlock {
                waiting()
                try file.borrowed.waitForLock()
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

    private static func makeDirectory(
        _ name: String, in store: FileDescriptor, _ path: String
    ) throws(ImageError) -> OwnedDescriptor {
        try atFile("\(path)/\(name)") { () throws(Errno) in
            do throws(Errno) {
                try store.makeDirectory(name, mode: 0o755)
            } catch .fileExists {
            }
            return try store.open(name, [.readOnly, .directory])
        }
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
            try partial.makeDirectory(name, mode: 0o755)
            let root = try partial.open(name, [.readOnly, .directory])
            // The store may lie in a directory whose group is inherited.
            try root.borrowed.changeMode(0o755)
            return PartialLayer(name: name, root: root)
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
