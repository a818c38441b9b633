internal import CCap
internal import CLinux
internal import Glibc
public import SystemPackage

/// A set of capabilities (capabilities(7)), one bit each, as the kernel keeps them.
public struct CapabilitySet: OptionSet, Sendable, Hashable {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The set of one capability: `CAP_NET_RAW`. Nil where libcap or the running kernel does not
    /// know the name.
    public init?(name: String) {
        // libcap takes more than names: numbers, lower case, and whatever follows a name.
        let isName = name.utf8.allSatisfy {
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "_")
        }
        guard name.hasPrefix("CAP_"), isName else { return nil }
        var value: cap_value_t = 0
        guard unsafe cap_from_name(name, &value) == 0, value < cap_max_bits() else { return nil }
        rawValue = 1 << UInt64(value)
    }

    /// Those that this process may use. The corresponding C function is `capget`.
    public static let permitted = CapabilitySet(rawValue: clinux_permitted_capabilities())

    /// The names of all that libcap and the running kernel know, in the order of their numbers.
    public static var names: [String] {
        (0..<cap_max_bits()).compactMap { number in
            guard let text = unsafe cap_to_name(number) else { return nil }
            defer { unsafe cap_free(UnsafeMutableRawPointer(text)) }
            let name = unsafe String(cString: text).uppercased()
            // A number of its own that libcap has no name for.
            return CapabilitySet(name: name) == nil ? nil : name
        }
    }

    /// The corresponding C constant is `CAP_SETGID`.
    public static let setGroupID = CapabilitySet(rawValue: 1 << 6)
    /// The corresponding C constant is `CAP_SETUID`.
    public static let setUserID = CapabilitySet(rawValue: 1 << 7)

    /// How many capabilities are in it.
    public var count: Int { rawValue.nonzeroBitCount }

    /// The numbers of the capabilities in it.
    var numbers: [cap_value_t] {
        (0..<cap_max_bits()).filter { rawValue & (1 << UInt64($0)) != 0 }
    }
}

/// The five sets of a process.
public struct CapabilitySets: Sendable, Hashable {
    public var bounding: CapabilitySet = []
    public var effective: CapabilitySet = []
    public var permitted: CapabilitySet = []
    public var inheritable: CapabilitySet = []
    public var ambient: CapabilitySet = []

    public init() {}

    /// Takes everything out of the bounding set that is not in `bounding`. Needs `CAP_SETPCAP`,
    /// so it comes before the other sets change.
    ///
    /// The corresponding C function is `cap_drop_bound`.
    public func applyBounding() throws(Errno) {
        for number in 0..<cap_max_bits() where bounding.rawValue & (1 << UInt64(number)) == 0 {
            try checkDone(cap_drop_bound(number))
        }
    }

    /// Replaces the effective, permitted and inheritable sets, then the ambient one.
    ///
    /// A capability that this process does not have cannot be granted and is left out.
    ///
    /// The corresponding C functions are `cap_set_proc` and `cap_set_ambient`.
    public func apply() throws(Errno) {
        guard let current = unsafe cap_get_proc() else { throw Errno(rawValue: errno) }
        defer { unsafe cap_free(UnsafeMutableRawPointer(current)) }
        var available: CapabilitySet = []
        for number in 0..<cap_max_bits() {
            var value = CAP_CLEAR
            try checkDone(unsafe cap_get_flag(current, number, CAP_PERMITTED, &value))
            if value == CAP_SET { available.rawValue |= 1 << UInt64(number) }
        }
        guard let wanted = unsafe cap_init() else { throw Errno(rawValue: errno) }
        defer { unsafe cap_free(UnsafeMutableRawPointer(wanted)) }
        try unsafe CapabilitySets.fill(wanted, CAP_PERMITTED, permitted.intersection(available))
        try unsafe CapabilitySets.fill(wanted, CAP_EFFECTIVE, effective.intersection(available))
        try unsafe CapabilitySets.fill(
            wanted, CAP_INHERITABLE, inheritable.intersection(available))
        try checkDone(unsafe cap_set_proc(wanted))
        // A new process has an empty ambient set unless its parent had one.
        try checkDone(clinux_clear_ambient())
        for number in ambient.intersection(available).numbers {
            try checkDone(cap_set_ambient(number, CAP_SET))
        }
    }

    private static func fill(
        _ state: cap_t, _ flag: cap_flag_t, _ set: CapabilitySet
    ) throws(Errno) {
        let values = set.numbers
        if values.isEmpty { return }
        try checkDone(unsafe cap_set_flag(state, flag, CInt(values.count), values, CAP_SET))
    }
}
