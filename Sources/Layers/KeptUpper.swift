internal import JSON
public import LinuxSystem
internal import SystemPackage

/// A writable layer that outlives its runs: a directory of the host.
///
///     DIR/upper           what was written
///     DIR/work            overlayfs's own
///     DIR/layers.json     what it was written over, so that others know
///     DIR/process.json    the container that uses it, where no runtime process stays with it
public struct KeptUpper: Sendable {
    /// Absolute, or as it was named.
    public let path: String
    public let upper: LayerDirectory

    static let recordName = "layers.json"

    public init(opening path: String) throws(LayerError) {
        self.path = path
        do throws(Errno) {
            upper = LayerDirectory(
                try HostPath.open("\(path)/upper", [.readOnly, .directory]), layer: 0)
        } catch {
            throw LayerError("open \"\(path)/upper\": \(error.words)")
        }
    }

    /// Takes it for a run, or for something that takes it apart; held as long as `upper` is open.
    ///
    /// A container that was left to itself holds no lock, but is written down.
    public func lock() throws(LayerError) {
        do throws(Errno) {
            try upper.borrowed.lock(exclusive: true)
            // Whoever had it before may have put another one in its place.
            let here = try FileStatus.of(upper.borrowed)
            let there = try FileStatus.of(path: "\(path)/upper")
            if (here.device, here.inode) != (there.device, there.inode) { throw Errno.wouldBlock }
            if user != nil { throw Errno.wouldBlock }
        } catch .wouldBlock {
            throw LayerError(
                "the upper \"\(path)\" is in use by another run; wait for its end or use another"
                    + " directory")
        } catch {
            throw LayerError("flock \"\(path)/upper\": \(error.words)")
        }
    }

    /// Whether a run writes to it now, or uses it as a layer; otherwise none will while `upper` is
    /// open.
    public func isInUse() throws(LayerError) -> Bool {
        do throws(Errno) {
            try upper.borrowed.lock(exclusive: false)
            return user != nil
        } catch .wouldBlock {
            return true
        } catch {
            throw LayerError("flock \"\(path)/upper\": \(error.words)")
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

        /// Where the kernel keeps its notes.
        public var marks: OverlayMarks { options.contains("userxattr") ? .user : .trusted }
    }

    /// Writes it down, in one go.
    public func write(_ record: Record) throws(LayerError) {
        do throws(Errno) {
            let directory = try HostPath.open(path, [.readOnly, .directory])
            try directory.borrowed.replaceFile(
                KeptUpper.recordName, with: record.bytes, mode: 0o644)
        } catch {
            throw LayerError("write \"\(path)/\(KeptUpper.recordName)\": \(error.words)")
        }
    }

    /// Whether it stands there already.
    ///
    /// - Throws: What is there was written with other marks, which a run like this does not see:
    ///   what had been removed would come back.
    public func stands(_ record: Record) throws(LayerError) -> Bool {
        guard let bytes = try recordBytes() else { return false }
        if bytes == record.bytes { return true }
        guard let before = try self.record(bytes), before.marks != record.marks else {
            return false
        }
        let names = try? FileNameList(of: upper.borrowed)
        if names?.count == 0 { return false }
        throw LayerError(
            before.marks == .user
                ? "the upper \"\(path)\" was written by an ordinary user's runs (userxattr), and"
                    + " others would see again what those have removed: run it as that user, or add"
                    + " \"userxattr\" to vfs.overlay.options"
                : "the upper \"\(path)\" was written by root's runs, and an ordinary user's would see"
                    + " again what those have removed: run it as root, or use another directory")
    }

    /// Nil where no run has written it down.
    public func record() throws(LayerError) -> Record? {
        try recordBytes().flatMap { bytes throws(LayerError) in try record(bytes) }
    }

    private func recordBytes() throws(LayerError) -> [UInt8]? {
        do throws(Errno) {
            let directory = try HostPath.open(path, [.readOnly, .directory])
            return try KeptUpper.read(directory.borrowed)
        } catch {
            throw LayerError("read \"\(path)/\(KeptUpper.recordName)\": \(error.words)")
        }
    }

    private func record(_ bytes: [UInt8]) throws(LayerError) -> Record? {
        let name = "\(path)/\(KeptUpper.recordName)"
        guard let document = try? JSONDocument(bytes),
            let layers = document.root["layers"]?.elements.compactMap(\.string)
        else {
            throw LayerError("\"\(name)\" is damaged; remove it and name the layers by --layer")
        }
        let options = document.root["options"]?.elements.compactMap(\.string) ?? []
        return Record(
            layers: layers, options: options, owners: IDMappings(recorded: document.root))
    }

    private static func read(_ directory: FileDescriptor) throws(Errno) -> [UInt8]? {
        do throws(Errno) {
            // Named: what is not would be closed before it is read.
            let file = try directory.open(recordName, .readOnly)
            return try file.borrowed.readAll()
        } catch .noSuchFileOrDirectory {
            return nil
        }
    }
}
