public import SystemPackage

/// A process's directory in procfs, held by a descriptor: what is read through it is about that
/// process, and about no later one with its number.
///
/// Much of what is read here a process has chosen itself: every file and every list has a bound.
public struct ProcessDirectory: ~Copyable {
    public let pid: Int32
    private let directory: OwnedDescriptor

    /// - Throws: `Errno.noSuchFileOrDirectory` where there is no such process.
    public init(of pid: Int32) throws(Errno) {
        self.pid = pid
        directory = try HostPath.open("/proc/\(pid)", [.readOnly, .directory])
    }

    /// The start of a file.
    ///
    /// - Parameter limit: The most bytes; what follows is cut off.
    public func read(_ name: String, upTo limit: Int = 1 << 16) throws(Errno) -> [UInt8] {
        let file = try directory.borrowed.open(name, [.readOnly, .noControllingTerminal])
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let piece = try file.borrowed.readBytes(upTo: min(limit - bytes.count, 1 << 16))
            if piece.isEmpty { break }
            bytes += piece
        }
        return bytes
    }

    /// The same as text, nil where it cannot be read.
    public func text(_ name: String, upTo limit: Int = 1 << 16) -> String? {
        (try? read(name, upTo: limit)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The target of a link: `mnt:[4026531841]` of `ns/mnt`.
    public func link(_ name: String) throws(Errno) -> String {
        try directory.borrowed.linkTarget(name)
    }

    /// The names in a directory.
    public func names(_ name: String) throws(Errno) -> [String] {
        let opened = try directory.borrowed.open(name, [.readOnly, .directory])
        return try opened.borrowed.entries()
    }

    /// The owner of its files: the effective user, or root where the process is not dumpable
    /// (proc_pid(5)).
    public var owner: UInt32? { (try? FileStatus.of(directory.borrowed))?.userID }
}
