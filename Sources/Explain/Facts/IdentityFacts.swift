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
