internal import CLinux
public import SystemPackage

/// Accesses to files, as Landlock's rules name them. The corresponding C constants are
/// `LANDLOCK_ACCESS_FS_*`.
public struct LandlockAccess: OptionSet, Sendable, Hashable {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let execute = LandlockAccess(rawValue: 1 << 0)
    public static let writeFile = LandlockAccess(rawValue: 1 << 1)
    public static let readFile = LandlockAccess(rawValue: 1 << 2)
    public static let readDirectory = LandlockAccess(rawValue: 1 << 3)
    /// Making, removing and moving names; not of devices.
    public static let changeNames = LandlockAccess(
        rawValue: 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12 | 1 << 13)
    public static let makeDevices = LandlockAccess(rawValue: 1 << 6 | 1 << 11)
    public static let truncate = LandlockAccess(rawValue: 1 << 14)
    public static let controlDevices = LandlockAccess(rawValue: 1 << 15)

    /// Those that a rule for a file, and not for a directory, may have.
    public static let ofFiles: LandlockAccess = [
        .execute, .writeFile, .readFile, .truncate, .controlDevices,
    ]

    /// Those that a version of the interface knows.
    public static func known(by version: Int) -> LandlockAccess {
        let bits: UInt64 =
            switch version {
            case ...1: 13
            case 2: 14
            case 3, 4: 15
            default: 16
            }
        return LandlockAccess(rawValue: 1 << bits - 1)
    }
}

/// Rules under construction, and in force once a process has taken them.
public struct LandlockRules: ~Copyable, Sendable {
    private let rules: OwnedDescriptor
    private let handled: LandlockAccess

    /// What processes are kept from, whatever the rules say. The corresponding C constants are
    /// `LANDLOCK_SCOPE_*`.
    public struct Scopes: OptionSet, Sendable, Hashable {
        public var rawValue: UInt64
        public init(rawValue: UInt64) { self.rawValue = rawValue }

        /// Connecting to abstract sockets of processes outside.
        public static let abstractSockets = Scopes(rawValue: 1 << 0)
        /// Signals to processes outside.
        public static let signals = Scopes(rawValue: 1 << 1)

        /// The version of the interface that brought them.
        public static let since = 6
    }

    /// Rules that forbid every access to a file.
    ///
    /// The corresponding C function is `landlock_create_ruleset`.
    public init(version: Int, scopes: Scopes) throws(Errno) {
        handled = .known(by: version)
        let taken = version >= Scopes.since ? scopes.rawValue : 0
        rules = try OwnedDescriptor.adopt(clinux_landlock_create(handled.rawValue, taken))
    }

    public var borrowed: FileDescriptor { rules.borrowed }

    /// Allows `access` to a file, or to all below a directory, mounts included.
    ///
    /// The corresponding C function is `landlock_add_rule`.
    public func allow(_ access: LandlockAccess, below place: FileDescriptor) throws(Errno) {
        let taken = access.intersection(handled)
        if taken.isEmpty { return }
        try checkDone(
            clinux_landlock_add(rules.borrowed.rawValue, place.rawValue, taken.rawValue))
    }

    /// From here on this process, and those it makes, are bound by the rules.
    ///
    /// The corresponding C function is `landlock_restrict_self`.
    public func restrict() throws(Errno) {
        try checkDone(clinux_landlock_restrict(rules.borrowed.rawValue))
    }
}
