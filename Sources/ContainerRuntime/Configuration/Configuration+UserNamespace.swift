public import LinuxSystem

extension Configuration {
    /// The privileges of the runtime process.
    public enum Privilege: Sendable, Hashable {
        /// Root of the machine.
        case full
        /// Root of a user namespace: what it makes and mounts is its own, devices are not.
        case nested
        /// Nothing outside of a user namespace of its own.
        case none
    }

    /// The container's user namespace, where it is not the runtime's.
    public struct UserNamespace: Sendable {
        /// The mappings of a new namespace, or those of the config for an existing one.
        public var mappings: Setting<IDMappings>?
        /// The file of an existing namespace.
        public var path: Setting<String>?
        public var writer = MappingWriter.runtime
    }

    /// The process that writes the mappings of a new user namespace.
    public enum MappingWriter: Sendable, Hashable {
        /// The runtime process, which has the right to.
        case runtime
        /// The init process itself: one user and one group, its own.
        case itself
        /// newuidmap(1) and newgidmap(1), by their paths.
        case helpers(users: String, groups: String)
    }

    /// The offset of a clock.
    public struct TimeOffset: Sendable, Hashable {
        /// `monotonic` or `boottime`.
        public var clock: String
        public var seconds: Int64
        public var nanoseconds: UInt32
    }

    /// Whether the container's ids are not the runtime's.
    var hasUserNamespace: Bool {
        userNamespace != nil || joined?.namespaces.contains(.user) ?? false
    }

    /// Whether the init process is at most root of a user namespace: it cannot make devices, and the
    /// kernel limits its mounts.
    var isRestricted: Bool { hasUserNamespace || privilege != .full }

    /// Whether the runtime process opens the sources of the container, to which the init process, as
    /// root of the user namespace, may have no access.
    var opensOnHost: Bool { hasUserNamespace && privilege != .none }
}
