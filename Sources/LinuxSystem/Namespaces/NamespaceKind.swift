/// A kind of namespace (namespaces(7)).
public struct NamespaceKind: Sendable {
    /// The flag of `clone3`, `unshare` and `setns`.
    public let flag: NamespaceSet
    /// The name in the runtime specification: `network`.
    public let name: String
    /// The file in `/proc/PID/ns`: `net`.
    public let file: String

    /// The table of namespaces, in the order of messages. `Spec.Linux.Namespace.Kind` has the same
    /// names, by which config.json is read.
    public static let all: [NamespaceKind] = [
        NamespaceKind(flag: .mount, name: "mount", file: "mnt"),
        NamespaceKind(flag: .pid, name: "pid", file: "pid"),
        NamespaceKind(flag: .uts, name: "uts", file: "uts"),
        NamespaceKind(flag: .network, name: "network", file: "net"),
        NamespaceKind(flag: .ipc, name: "ipc", file: "ipc"),
        NamespaceKind(flag: .cgroup, name: "cgroup", file: "cgroup"),
        NamespaceKind(flag: .user, name: "user", file: "user"),
        NamespaceKind(flag: .time, name: "time", file: "time"),
    ]
}
