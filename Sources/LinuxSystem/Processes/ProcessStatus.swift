/// The lines of `/proc/PID/status`.
public struct ProcessStatus: Sendable {
    private var lines: [String: String] = [:]

    public init(_ bytes: [UInt8]) {
        for line in bytes.split(separator: 0x0a).prefix(256) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = line[(colon + 1)...].drop { $0 == 0x09 || $0 == 0x20 }
            // The first counts: a process names itself before anything else is told of it.
            let key = String(decoding: line[..<colon], as: UTF8.self)
            if lines[key] == nil { lines[key] = String(decoding: value, as: UTF8.self) }
        }
    }

    public subscript(key: String) -> String? { lines[key] }

    /// Real, effective, saved, of the file system.
    public var users: [UInt32] { numbers("Uid") }
    public var groups: [UInt32] { numbers("Gid") }

    private func numbers(_ key: String) -> [UInt32] {
        (lines[key] ?? "").split { $0 == "\t" || $0 == " " }.compactMap { UInt32($0) }
    }

    public func capabilities(_ key: String) -> CapabilitySet? {
        lines[key].flatMap { UInt64($0, radix: 16) }.map { CapabilitySet(rawValue: $0) }
    }
}
