public import Layers
public import LinuxSystem
public import SystemPackage

/// A sandbox whose changes outlive its runs: a directory of the host.
///
///     DIR/sandbox.json    what is known of it
///     DIR/tree-N          a `KeptUpper`: what runs have written to tree N
///     DIR/lock            the lock of the process that runs, applies or discards it
///
/// DIR belongs to the user who made the sandbox, mode 0700: what programs have written lies in it
/// with set-id bits.
public final class KeptSandbox: Sendable {
    public let name: SandboxName
    /// The directory, absolute.
    public let path: String
    /// As it was read, or written last.
    public let record: Record
    private let opened: OwnedDescriptor
    private let lockFile: OwnedDescriptor

    static let recordName = "sandbox.json"
    static let lockName = "lock"

    /// DIR, open for reading.
    public var directory: FileDescriptor { opened.borrowed }

    init(
        _ name: SandboxName, path: String, _ record: Record,
        _ directory: consuming OwnedDescriptor, lock: consuming OwnedDescriptor
    ) {
        (self.name, self.path, self.record) = (name, path, record)
        opened = directory
        lockFile = lock
    }

    /// Takes the sandbox for a run, or for a command that changes it. The lock is held while this
    /// value lives.
    ///
    /// - Throws: Another process has it.
    public func lock() throws(Failure) {
        do throws(Errno) {
            try lockFile.borrowed.lock(byte: 0, exclusive: true)
        } catch .wouldBlock {
            throw KeptSandbox.inUse(name)
        } catch {
            throw Failure("lock", "\(path)/\(KeptSandbox.lockName)".inQuotes, error)
        }
        // The process that held the lock before may have discarded the sandbox.
        let isThere = try attempt("stat", on: path, try isAtItsPlace())
        if !isThere { throw Failure.missing(name) }
    }

    static func inUse(_ name: SandboxName) -> Failure {
        Failure("the sandbox \(name.text.inQuotes) is in use by another process; wait for its end")
    }

    private func isAtItsPlace() throws(Errno) -> Bool {
        guard let there = try unlessMissing(try FileStatus.of(path: path)) else { return false }
        return try FileStatus.of(directory).isSame(as: there)
    }

    /// Whether another process has the lock.
    public func isInUse() throws(Failure) -> Bool {
        do throws(Errno) {
            // A lock of another open file: the own one stays as it is.
            let other = try directory.open(KeptSandbox.lockName, .readWrite)
            try other.borrowed.lock(byte: 0, exclusive: false)
            return false
        } catch .wouldBlock {
            return true
        } catch {
            throw Failure("lock", "\(path)/\(KeptSandbox.lockName)".inQuotes, error)
        }
    }

    /// The directory that keeps what was written to a tree: a `KeptUpper`.
    public func path(of tree: Tree) -> String { "\(path)/\(tree.directory)" }

    /// Opens what was written to a tree.
    public func upper(of tree: Tree) throws(Failure) -> KeptUpper {
        try KeptUpper(opening: path(of: tree))
    }

    /// Whether no run has written anything.
    var isBlank: Bool {
        record.trees.allSatisfy { tree in
            guard let found = try? directory.open(tree.directory, [.readOnly, .directory]),
                let upper = try? found.borrowed.open("upper", [.readOnly, .directory]),
                let names = try? upper.borrowed.entries()
            else { return (try? FileStatus.of(tree.directory, in: directory)) == nil }
            return names.isEmpty
        }
    }

    /// The sandbox with its record as it is now; it shares the lock.
    func reread() throws(Failure) -> KeptSandbox {
        let place = "\(path)/\(KeptSandbox.recordName)"
        guard let record = Record(try attempt("open", on: place, try readRecord())) else {
            throw Failure("\(place.inQuotes) is damaged", .damaged)
        }
        return try with(record)
    }

    private func readRecord() throws(Errno) -> [UInt8] {
        let file = try directory.openOwn(KeptSandbox.recordName)
        return try file.borrowed.readAll(limit: 1 << 20)
    }

    /// Writes the record, atomically. The sandbox must be locked.
    ///
    /// - Returns: The sandbox with the new record; it shares the lock.
    public func write(_ record: Record) throws(Failure) -> KeptSandbox {
        try attempt(
            "write", on: "\(path)/\(KeptSandbox.recordName)",
            try directory.replaceFile(KeptSandbox.recordName, with: record.bytes, mode: 0o600))
        return try with(record)
    }

    private func with(_ record: Record) throws(Failure) -> KeptSandbox {
        let own = try attempt("dup", on: path, try OwnedDescriptor.duplicate(directory))
        let lock = try attempt("dup", on: path, try OwnedDescriptor.duplicate(lockFile.borrowed))
        return KeptSandbox(name, path: path, record, own, lock: lock)
    }
}
