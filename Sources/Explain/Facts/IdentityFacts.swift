public import LinuxSystem
internal import SystemPackage

/// The ids of a process, and what they are outside of its user namespace.
public struct IdentityFacts: Sendable {
    /// As the caller sees them.
    public var user: UInt32?
    public var group: UInt32?
    /// The ids inside, the ids outside. Empty where they are not known.
    public var users: [IDRange] = []
    public var groups: [IDRange] = []
    /// Where the config says so.
    public var place: String?

    public init() {}

    /// Whether every id is that of the host.
    var isHosts: Bool {
        users == [IDRange(inside: 0, outside: 0, count: .max)] || users.isEmpty
    }

    /// The id that the process has in its own user namespace.
    var innerUser: UInt32? {
        guard let user else { return nil }
        return users.isEmpty ? user : IDMap(users).inside(of: user)
    }

    init(of process: borrowing ProcessDirectory, _ status: ProcessStatus) {
        user = status.users.dropFirst().first
        group = status.groups.dropFirst().first
        users = IDMap(parsing: (try? process.read("uid_map")) ?? [])?.ranges ?? []
        groups = IDMap(parsing: (try? process.read("gid_map")) ?? [])?.ranges ?? []
    }
}

/// The lines of `/proc/PID/status`.
struct ProcessStatus {
    private var lines: [String: String] = [:]

    init(_ bytes: [UInt8]) {
        for line in bytes.split(separator: 0x0a).prefix(256) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = line[(colon + 1)...].drop { $0 == 0x09 || $0 == 0x20 }
            // The first counts: a process names itself before anything else is told of it.
            let key = String(decoding: line[..<colon], as: UTF8.self)
            if lines[key] == nil { lines[key] = String(decoding: value, as: UTF8.self) }
        }
    }

    subscript(key: String) -> String? { lines[key] }

    /// Real, effective, saved, of the file system.
    var users: [UInt32] { numbers("Uid") }
    var groups: [UInt32] { numbers("Gid") }

    private func numbers(_ key: String) -> [UInt32] {
        (lines[key] ?? "").split { $0 == "\t" || $0 == " " }.compactMap { UInt32($0) }
    }

    func capabilities(_ key: String) -> CapabilitySet? {
        lines[key].flatMap { UInt64($0, radix: 16) }.map { CapabilitySet(rawValue: $0) }
    }
}
