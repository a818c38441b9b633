internal import CLinux
public import SystemPackage

/// A set of namespaces (namespaces(7)).
public struct NamespaceSet: OptionSet, Sendable, Hashable {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The corresponding C constant is `CLONE_NEWTIME`; it has no meaning for `clone3` before the
    /// exec, so a time namespace takes a process in between.
    public static let time = NamespaceSet(rawValue: 0x80)
    /// The corresponding C constant is `CLONE_NEWNS`.
    public static let mount = NamespaceSet(rawValue: 0x2_0000)
    /// The corresponding C constant is `CLONE_NEWCGROUP`.
    public static let cgroup = NamespaceSet(rawValue: 0x200_0000)
    /// The corresponding C constant is `CLONE_NEWUTS`.
    public static let uts = NamespaceSet(rawValue: 0x400_0000)
    /// The corresponding C constant is `CLONE_NEWIPC`.
    public static let ipc = NamespaceSet(rawValue: 0x800_0000)
    /// The corresponding C constant is `CLONE_NEWUSER`.
    public static let user = NamespaceSet(rawValue: 0x1000_0000)
    /// The corresponding C constant is `CLONE_NEWPID`.
    public static let pid = NamespaceSet(rawValue: 0x2000_0000)
    /// The corresponding C constant is `CLONE_NEWNET`.
    public static let network = NamespaceSet(rawValue: 0x4000_0000)
}

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

extension FileDescriptor {
    /// Joins the namespace behind this descriptor.
    ///
    /// - Parameter kind: One namespace; the kernel answers `EINVAL` when the file is of another.
    ///
    /// The corresponding C function is `setns`.
    public func joinNamespace(_ kind: NamespaceSet) throws(Errno) {
        try checkDone(clinux_setns(rawValue, CInt(truncatingIfNeeded: kind.rawValue)))
    }
}

extension CurrentProcess {
    /// Goes on in namespaces of its own. The corresponding C function is `unshare`.
    public static func leaveNamespaces(_ kinds: NamespaceSet) throws(Errno) {
        try checkDone(clinux_unshare(CInt(truncatingIfNeeded: kinds.rawValue)))
    }
}
