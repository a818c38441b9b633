internal import OCISpec

/// Allows or denies kinds of access to device nodes.
public struct DeviceRule: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable {
        case any = "a"
        case character = "c"
        case block = "b"
    }

    /// Kinds of access to a node.
    public struct Access: OptionSet, Sendable, Hashable {
        public var rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        // The values of `BPF_DEVCG_ACC_*`.
        public static let make = Access(rawValue: 1)
        public static let read = Access(rawValue: 2)
        public static let write = Access(rawValue: 4)
        public static let all: Access = [.make, .read, .write]

        /// `rwm`, in the kernel's order.
        var letters: String {
            (contains(.read) ? "r" : "") + (contains(.write) ? "w" : "")
                + (contains(.make) ? "m" : "")
        }

        /// Letters other than r, w and m say nothing.
        init(letters: String) {
            self = []
            if letters.contains("r") { insert(.read) }
            if letters.contains("w") { insert(.write) }
            if letters.contains("m") { insert(.make) }
        }
    }

    public var allows: Bool
    public var kind: Kind
    /// Nil: every number.
    public var major: UInt32?
    public var minor: UInt32?
    public var access: Access

    public init(
        allows: Bool, kind: Kind, major: UInt32? = nil, minor: UInt32? = nil,
        access: Access = .all
    ) {
        self.allows = allows
        self.kind = kind
        self.major = major
        self.minor = minor
        self.access = access
    }

    /// A rule of a checked document. One for every kind that does not mean everything is two: for
    /// the kernel `a` is all devices and all access, whatever stands beside it.
    static func rules(_ spec: Spec.Linux.Resources.DeviceRule) -> [DeviceRule] {
        let rule = DeviceRule(
            allows: spec.allow.value, kind: spec.type.flatMap { Kind(rawValue: $0.value) } ?? .any,
            major: spec.major.flatMap { UInt32(exactly: $0.value) },
            minor: spec.minor.flatMap { UInt32(exactly: $0.value) },
            access: spec.access.map { Access(letters: $0.value) } ?? .all)
        if rule.kind != .any || rule.meansEverything { return [rule] }
        return [Kind.block, .character].map { kind in
            var one = rule
            one.kind = kind
            return one
        }
    }

    var meansEverything: Bool { kind == .any && major == nil && minor == nil && access == .all }

    /// The rules of every container, after those of the config: make any node, and use the devices
    /// that each `/dev` has.
    public static let standard: [DeviceRule] = [
        DeviceRule(allows: true, kind: .character, access: .make),
        DeviceRule(allows: true, kind: .block, access: .make),
        // null, zero, full, random, urandom
        DeviceRule(allows: true, kind: .character, major: 1, minor: 3),
        DeviceRule(allows: true, kind: .character, major: 1, minor: 5),
        DeviceRule(allows: true, kind: .character, major: 1, minor: 7),
        DeviceRule(allows: true, kind: .character, major: 1, minor: 8),
        DeviceRule(allows: true, kind: .character, major: 1, minor: 9),
        // tty, ptmx, the terminals of devpts
        DeviceRule(allows: true, kind: .character, major: 5, minor: 0),
        DeviceRule(allows: true, kind: .character, major: 5, minor: 2),
        DeviceRule(allows: true, kind: .character, major: 136),
        // net/tun, which callers have come to count on
        DeviceRule(allows: true, kind: .character, major: 10, minor: 200),
    ]
}
