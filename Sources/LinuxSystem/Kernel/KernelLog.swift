internal import Glibc
internal import SystemPackage

/// The kernel's log (`/dev/kmsg`) from one moment on, where it may be read: the only place that
/// says why most overlay mounts fail.
///
/// The moment is a place in the log, not a time: the log's clock is not the monotonic one.
public struct KernelLog: ~Copyable {
    /// Nil where the log cannot be read.
    private let log: OwnedDescriptor?

    /// Starts at the end of what is in the log now.
    ///
    /// - Parameter isRead: Otherwise there are no messages: opening it takes longer than a mount.
    public init(isRead: Bool = true) {
        log = isRead ? try? KernelLog.openAtEnd() : nil
    }

    private static func openAtEnd() throws(Errno) -> OwnedDescriptor {
        let log = try HostPath.open("/dev/kmsg", [.readOnly, .nonBlocking])
        _ = try check(lseek(log.borrowed.rawValue, 0, SEEK_END))
        return log
    }

    /// The lines since the start, or since the last call, that start with `prefix`: oldest
    /// first, without the prefix.
    public func messages(prefix: String) -> [String] {
        switch log {
        case .some(let log): KernelLog.read(log.borrowed, prefix)
        case nil: []
        }
    }

    private static func read(_ log: FileDescriptor, _ prefix: String) -> [String] {
        var found: [String] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.read(log.rawValue, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EPIPE { continue }  // overwritten meanwhile: the next record
            if count <= 0 { break }
            // "priority,sequence,microseconds,flags;text\n continuation"
            let record = String(decoding: buffer[..<count], as: UTF8.self)
            let halves = record.split(separator: ";", maxSplits: 1)
            guard halves.count == 2 else { continue }
            let text = halves[1].prefix { $0 != "\n" }
            if text.hasPrefix(prefix) { found.append(String(text.dropFirst(prefix.count))) }
        }
        return found
    }
}
