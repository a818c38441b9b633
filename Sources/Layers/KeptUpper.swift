internal import JSON
public import LinuxSystem
internal import SystemPackage

/// A writable layer that outlives its runs: a directory of the host.
///
///     DIR/upper           what was written
///     DIR/work            overlayfs's own
///     DIR/layers.json     what it was written over, so that others know
///     DIR/process.json    the container that uses it, where no runtime process stays with it
///     DIR/lock            who uses it, or a snapshot of it, while a runtime process is there
///
/// DIR is its owner's alone, mode 0700: what containers have written lies in it with set-id bits.
public struct KeptUpper: Sendable {
    /// Absolute, or as it was named.
    public let path: String
    public let upper: LayerDirectory
    /// DIR.
    let directory: LayerDirectory
    let locks: UpperLocks

    static let recordName = "layers.json"

    public init(opening path: String) throws(LayerError) {
        try self.init(path: path, try KeptUpper.openDirectory(path))
    }

    init(path: String, _ directory: LayerDirectory) throws(LayerError) {
        self.path = path
        self.directory = directory
        do throws(Errno) {
            locks = try UpperLocks(in: directory.borrowed)
        } catch {
            throw LayerError("open \"\(path)/\(UpperLocks.name)\": \(error.words)")
        }
        upper = try KeptUpper.openUpper(path, directory, locks)
    }

    /// The same with what is the upper now.
    init(reopening other: KeptUpper) throws(LayerError) {
        path = other.path
        directory = other.directory
        locks = other.locks
        upper = try KeptUpper.openUpper(path, directory, locks)
    }

    private static func openUpper(
        _ path: String, _ directory: LayerDirectory, _ locks: UpperLocks
    ) throws(LayerError) -> LayerDirectory {
        do throws(Errno) {
            // The lock lasts as long as the upper is open.
            return LayerDirectory(
                try directory.borrowed.open("upper", [.readOnly, .directory]), layer: 0,
                keeping: locks)
        } catch {
            throw LayerError("open \"\(path)/upper\": \(error.words)")
        }
    }

    /// One of the directories of its own, by `O_PATH`.
    ///
    /// - Parameter name: `upper`, `work`, or `snapshots/…`.
    public func open(_ name: String) throws(LayerError) -> OwnedDescriptor {
        do throws(Errno) {
            return try RootDirectory(OwnedDescriptor.duplicate(directory.borrowed)).open(
                name, [.path, .directory], links: .refuse)
        } catch {
            throw LayerError("open \"\(path)/\(name)\": \(error.words)")
        }
    }

    /// Takes it for a run, or for something that takes it apart; held as long as `upper` is open.
    ///
    /// A container that was left to itself holds no lock, but is written down.
    public func lock() throws(LayerError) {
        do throws(Errno) {
            try locks.take(0, exclusive: true)
            // The one who had it before may have removed it, or put another one in its place.
            let isThere = try locks.belong(to: directory.borrowed)
            let here = try FileStatus.of(upper.borrowed)
            let there = try FileStatus.of("upper", in: directory.borrowed)
            let user = try self.user
            if !isThere || !here.isSame(as: there) || user != nil { throw Errno.wouldBlock }
        } catch .wouldBlock {
            throw LayerError(
                "the upper \"\(path)\" is in use by another run; wait for its end or use another"
                    + " directory")
        } catch {
            throw LayerError("lock \"\(path)/\(UpperLocks.name)\": \(error.words)")
        }
    }

    /// Whether a run writes to it now, or uses it as a layer; otherwise none will while `upper` is
    /// open.
    public func isInUse() throws(LayerError) -> Bool {
        do throws(Errno) {
            try locks.take(0, exclusive: false)
            return try user != nil
        } catch .wouldBlock {
            return true
        } catch {
            throw LayerError("lock \"\(path)/\(UpperLocks.name)\": \(error.words)")
        }
    }

    // MARK: What it was written over

    /// What is known of the layers below an upper.
    public struct Record: Sendable, Hashable {
        /// Absolute, bottom first.
        public var layers: [String]
        /// The overlay's options.
        public var options: [String]
        /// Of the container's user namespace, where it has one.
        public var owners: IDMappings?

        public init(layers: [String], options: [String], owners: IDMappings? = nil) {
            self.layers = layers
            self.options = options
            self.owners = owners
        }

        /// The position of the first layer that is another one.
        func firstDifference(from other: Record) -> Int? {
            let most = max(layers.count, other.layers.count)
            return (0..<most).first {
                $0 >= layers.count || $0 >= other.layers.count || layers[$0] != other.layers[$0]
            }
        }

        /// Where the kernel keeps its notes.
        public var marks: OverlayMarks { options.contains("userxattr") ? .user : .trusted }
    }

    /// Writes it down, in one go.
    public func write(_ record: Record) throws(LayerError) {
        do throws(Errno) {
            try directory.borrowed.replaceFile(
                KeptUpper.recordName, with: record.bytes, mode: 0o600)
        } catch {
            throw LayerError("write \"\(path)/\(KeptUpper.recordName)\": \(error.words)")
        }
    }

    /// Makes sure that what was written here was written over the same layers: over others, files
    /// come back that were removed, and others are missing.
    public func require(_ record: Record) throws(LayerError) {
        guard let before = try self.record() else { return }
        let isEmpty: Bool
        do throws(Errno) {
            isEmpty = try upper.borrowed.isEmpty
        } catch {
            throw LayerError("readdir \"\(path)/upper\": \(error.words)")
        }
        let snapshots = try KeptUpper.snapshots(in: directory.borrowed, path)
        if isEmpty && snapshots.isEmpty { return }
        if before.marks != record.marks {
            throw LayerError(
                before.marks == .user
                    ? "the upper \"\(path)\" was written by an ordinary user's runs (userxattr), and"
                        + " others would see again what those have removed: run it as that user, or"
                        + " add \"userxattr\" to vfs.overlay.options"
                    : "the upper \"\(path)\" was written by root's runs, and an ordinary user's would"
                        + " see again what those have removed: run it as root, or use another"
                        + " directory")
        }
        guard let index = before.firstDifference(from: record) else { return }
        func name(_ layers: [String]) -> String {
            index < layers.count ? "\"\(layers[index])\"" : "none"
        }
        throw LayerError(
            "the upper \"\(path)\" was written over other layers: layer \(index + 1) from the bottom"
                + " was \(name(before.layers)) and is \(name(record.layers)) now; use the same"
                + " layers, name another directory, or where a layer was only moved, correct"
                + " \"\(path)/\(KeptUpper.recordName)\"")
    }

    /// Nil where no run has written it down.
    public func record() throws(LayerError) -> Record? {
        try recordBytes().flatMap { bytes throws(LayerError) in try record(bytes) }
    }

    private func recordBytes() throws(LayerError) -> [UInt8]? {
        do throws(Errno) {
            return try KeptUpper.read(directory.borrowed)
        } catch {
            throw LayerError("read \"\(path)/\(KeptUpper.recordName)\": \(error.words)")
        }
    }

    private func record(_ bytes: [UInt8]) throws(LayerError) -> Record {
        if let record = Record(bytes) { return record }
        throw LayerError(
            "\"\(path)/\(KeptUpper.recordName)\" is damaged; remove it and name the layers by"
                + " --layer")
    }

    static func read(_ directory: FileDescriptor) throws(Errno) -> [UInt8]? {
        do throws(Errno) {
            // Named: what is not would be closed before it is read.
            let file = try directory.openOwn(recordName)
            return try file.borrowed.readAll(limit: 1 << 20)
        } catch .noSuchFileOrDirectory {
            return nil
        }
    }
}
