internal import Glibc
internal import SystemPackage

/// The kernel's log (`/dev/kmsg`), where it may be read: the only place that says why most
/// overlay mounts fail.
public enum KernelLog {
    /// Messages that start with `prefix` and are no older than `since`, oldest first, without
    /// the prefix; empty where the log cannot be read.
    ///
    /// - Parameter since: Microseconds of the monotonic clock (`Clock.microseconds`).
    public static func messages(prefix: String, since: UInt64) -> [String] {
        guard let log = try? HostPath.open("/dev/kmsg", [.readOnly, .nonBlocking]) else {
            return []
        }
        var found: [String] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe read(log.borrowed.rawValue, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EPIPE { continue }  // overwritten meanwhile: the next record
            if count <= 0 { break }
            // "priority,sequence,microseconds,flags;text\n continuation"
            let record = String(decoding: buffer[..<count], as: UTF8.self)
            let halves = record.split(separator: ";", maxSplits: 1)
            guard halves.count == 2 else { continue }
            let fields = halves[0].split(separator: ",")
            guard fields.count >= 3, let time = UInt64(fields[2]), time >= since else { continue }
            let text = halves[1].prefix { $0 != "\n" }
            if text.hasPrefix(prefix) { found.append(String(text.dropFirst(prefix.count))) }
        }
        return found
    }
}
