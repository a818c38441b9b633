public import LinuxSystem
internal import SystemPackage

/// A writable layer that outlives its runs: a directory of the host.
///
///     DIR/upper           the upper
///     DIR/work            overlayfs's own
///     DIR/layers.json     the layers that it was written over
///     DIR/process.json    the container that uses it, where no runtime process stays with it
///     DIR/lock            locks of the runtime processes that use it, or a snapshot of it
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

    public init(opening path: String) throws(Failure) {
        try self.init(path: path, try KeptUpper.openDirectory(path))
    }

    init(path: String, _ directory: LayerDirectory) throws(Failure) {
        self.path = path
        self.directory = directory
        locks = try attempt(
            "open", on: "\(path)/\(UpperLocks.name)", try UpperLocks(in: directory.borrowed))
        upper = try KeptUpper.openUpper(path, directory, locks)
    }

    /// The same with the upper that is there now.
    init(reopening other: KeptUpper) throws(Failure) {
        path = other.path
        directory = other.directory
        locks = other.locks
        upper = try KeptUpper.openUpper(path, directory, locks)
    }

    private static func openUpper(
        _ path: String, _ directory: LayerDirectory, _ locks: UpperLocks
    ) throws(Failure) -> LayerDirectory {
        let opened = try attempt(
            "open", on: "\(path)/upper",
            try directory.borrowed.open("upper", [.readOnly, .directory]))
        // The lock lasts as long as the upper is open.
        return LayerDirectory(opened, layer: 0, keeping: locks)
    }

    /// One of the directories of its own, by `O_PATH`.
    ///
    /// - Parameter name: `upper`, `work`, or `snapshots/…`.
    public func open(_ name: String) throws(Failure) -> OwnedDescriptor {
        let root = RootDirectory(
            try attempt("dup", on: path, try OwnedDescriptor.duplicate(directory.borrowed)))
        return try attempt(
            "open", on: "\(path)/\(name)",
            try root.open(name, [.path, .directory], links: .refuse))
    }

    /// Takes it for a run, or for something that takes it apart; held as long as `upper` is open.
    ///
    /// A detached container holds no lock, but is written down.
    public func lock() throws(Failure) {
        if try attempt("lock", on: lockPath, try takeAlone()) { return }
        throw Failure(
            "the upper \"\(path)\" is in use by another run; wait for its end or use another"
                + " directory")
    }

    private func takeAlone() throws(Errno) -> Bool {
        do throws(Errno) {
            try locks.take(0, exclusive: true)
        } catch .wouldBlock {
            return false
        }
        // The process that held it before may have removed the upper, or replaced it.
        let isThere = try locks.belong(to: directory.borrowed)
        let here = try FileStatus.of(upper.borrowed)
        let there = try FileStatus.of("upper", in: directory.borrowed)
        let user = try self.user
        return isThere && here.isSame(as: there) && user == nil
    }

    /// Whether a run writes to it now, or uses it as a layer; otherwise none will while `upper` is
    /// open.
    public func isInUse() throws(Failure) -> Bool {
        try attempt("lock", on: lockPath, try isTaken())
    }

    private func isTaken() throws(Errno) -> Bool {
        do throws(Errno) {
            try locks.take(0, exclusive: false)
            return try user != nil
        } catch .wouldBlock {
            return true
        }
    }

    var lockPath: String { "\(path)/\(UpperLocks.name)" }

    // MARK: The layers below

    /// Writes the record, atomically.
    public func write(_ record: Record) throws(Failure) {
        try attempt(
            "write", on: "\(path)/\(KeptUpper.recordName)",
            try directory.borrowed.replaceFile(
                KeptUpper.recordName, with: record.bytes, mode: 0o600))
    }

    /// Makes sure that the upper was written over the same layers: over others, files come back that
    /// were removed, and others are missing.
    public func require(_ record: Record) throws(Failure) {
        guard let before = try self.record() else { return }
        let isEmpty = try attempt("readdir", on: "\(path)/upper", try upper.borrowed.isEmpty)
        if isEmpty, try snapshots().isEmpty { return }
        try AppliedChanges.requireUnmoved(self)
        if before.marks != record.marks {
            throw Failure(
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
        throw Failure(
            "the upper \"\(path)\" was written over other layers: layer \(index + 1) from the bottom"
                + " was \(name(before.layers)) and is \(name(record.layers)) now; use the same"
                + " layers, name another directory, or where a layer was only moved, correct"
                + " \"\(path)/\(KeptUpper.recordName)\"")
    }

    /// Nil where no run has written it.
    public func record() throws(Failure) -> Record? {
        let place = "\(path)/\(KeptUpper.recordName)"
        let found = try attempt("read", on: place, try KeptUpper.read(directory.borrowed))
        guard let bytes = found else { return nil }
        if let record = Record(bytes) { return record }
        throw Failure("\"\(place)\" is damaged; remove it and name the layers by --layer")
    }

    static func read(_ directory: FileDescriptor) throws(Errno) -> [UInt8]? {
        // Kept in a variable: a temporary would be closed before the read.
        guard let file = try unlessMissing(try directory.openOwn(recordName)) else { return nil }
        return try file.borrowed.readAll(limit: 1 << 20)
    }
}
