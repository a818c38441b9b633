public import LinuxSystem
internal import SystemPackage

/// Ranges of ids that no user of the host has, for sandboxes of root: each has one of its own while it
/// runs, and a kept one for good.
///
/// A byte of a file stands for a range. A running sandbox holds a lock on it.
public final class IDSlot: Sendable {
    public let mappings: IDMappings
    private let file: OwnedDescriptor

    /// Above the ids that systemd assigns to containers (524288 to 1879048191) and the usual ones of
    /// /etc/subuid. The first range is the one of the config that `spec --one-shot` writes.
    private static let first: UInt32 = 1_879_048_192
    private static let size: UInt32 = 65536
    /// Below the maximum of a signed 32-bit number. The lower half is for what is discarded.
    private static let count: UInt32 = 4096

    /// Not that of containers' states.
    private static let directory = "/run/vfs-run-sandboxes"
    private static let name = "ids"

    private init(_ mappings: IDMappings, _ file: consuming OwnedDescriptor) {
        self.mappings = mappings
        self.file = file
    }

    /// The range that configs written by hand have. Nothing holds it.
    public static let common = mappings(0)

    /// The number of the range that an id lies in.
    private static func slot(of id: UInt32) -> UInt32? { id < first ? nil : (id - first) / size }

    private static func mappings(_ slot: UInt32) -> IDMappings {
        let map = IDMap([IDRange(inside: 0, outside: first + slot * size, count: size)])
        return IDMappings(users: map, groups: map)
    }

    private static func open() throws(Failure) -> OwnedDescriptor {
        let path = "\(directory)/\(name)"
        return try attempt("open", on: path, try openFile())
    }

    private static func openFile() throws(Errno) -> OwnedDescriptor {
        try HostPath.makeDirectories(directory, mode: 0o700)
        let folder = try HostPath.open(directory, [.readOnly, .directory])
        if try !FileStatus.of(folder.borrowed).isOwn { throw .notPermitted }
        return try folder.borrowed.open(
            name, [.readWrite, .create, .nonBlocking, .noControllingTerminal], mode: 0o600)
    }

    /// A range for a run.
    public static func take() throws(Failure) -> IDSlot {
        try take(from: 1..<count / 2) { () throws(Failure) in [] }
    }

    /// A range for a sandbox that is kept.
    ///
    /// - Parameter taken: Reads ids of the ranges of other kept sandboxes.
    public static func take(
        besides taken: () throws(Failure) -> Set<UInt32>
    ) throws(Failure) -> IDSlot {
        try take(from: count / 2..<count, taken)
    }

    private static func take(
        from slots: Range<UInt32>, _ taken: () throws(Failure) -> Set<UInt32>
    ) throws(Failure) -> IDSlot {
        func others() throws(Failure) -> Set<UInt32> { Set(try taken().compactMap(slot(of:))) }
        var known = try others()
        let file = try open()
        // Different processes begin at different places.
        let length = UInt32(slots.count)
        let start = UInt32(truncatingIfNeeded: CurrentProcess.pid) % length
        for offset in 0..<length {
            let slot = slots.lowerBound + (start + offset) % length
            if known.contains(slot) { continue }
            do throws(Errno) {
                try file.borrowed.lock(byte: Int64(slot), exclusive: true)
            } catch .wouldBlock {
                continue
            } catch {
                throw Failure("lock", "\(directory)/\(name)".inQuotes, error)
            }
            // A process that had the lock a moment ago may have kept a sandbox with the range.
            known = try others()
            if !known.contains(slot) { return IDSlot(mappings(slot), file) }
            // Its lock stays with this process, since nobody can take the range now.
        }
        throw Failure(
            "all \(length) ranges of ids for sandboxes are taken; discard kept sandboxes, or wait for"
                + " the end of others")
    }
}
