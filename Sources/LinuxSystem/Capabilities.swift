internal import CCap
internal import Glibc
public import SystemPackage

/// A capability (capabilities(7)), by number.
public struct Capability: RawRepresentable, Sendable, Hashable {
    public var rawValue: CInt
    public init(rawValue: CInt) { self.rawValue = rawValue }

    /// The capability of that name (`CAP_NET_RAW`), where libcap and the running kernel know it.
    public init?(name: String) {
        var value: cap_value_t = 0
        guard unsafe cap_from_name(name, &value) == 0, value < cap_max_bits() else { return nil }
        rawValue = value
    }

    /// The number of capabilities the running kernel has.
    public static var count: CInt { cap_max_bits() }
}

/// The five sets of a process.
public struct CapabilitySets: Sendable, Hashable {
    public var bounding: Set<Capability> = []
    public var effective: Set<Capability> = []
    public var permitted: Set<Capability> = []
    public var inheritable: Set<Capability> = []
    public var ambient: Set<Capability> = []

    public init() {}

    /// Takes everything out of the bounding set that is not in it. Needs `CAP_SETPCAP`, so it
    /// comes before the other sets change.
    ///
    /// The corresponding C function is `cap_drop_bound`.
    public func applyBounding() throws(Errno) {
        for number in 0..<Capability.count {
            let capability = Capability(rawValue: number)
            if bounding.contains(capability) { continue }
            if cap_get_bound(number) == 1 { try checkDone(cap_drop_bound(number)) }
        }
    }

    /// Replaces the effective, permitted and inheritable sets, then the ambient one.
    ///
    /// A capability that this process does not have cannot be granted and is left out.
    ///
    /// - Returns: What could not be granted.
    ///
    /// The corresponding C functions are `cap_set_proc` and `cap_set_ambient`.
    public func apply() throws(Errno) -> Set<Capability> {
        guard let current = unsafe cap_get_proc() else { throw Errno(rawValue: errno) }
        defer { unsafe cap_free(UnsafeMutableRawPointer(current)) }
        var available: Set<Capability> = []
        for number in 0..<Capability.count {
            var value = CAP_CLEAR
            guard unsafe cap_get_flag(current, number, CAP_PERMITTED, &value) == 0 else {
                throw Errno(rawValue: errno)
            }
            if value == CAP_SET { available.insert(Capability(rawValue: number)) }
        }
        guard let wanted = unsafe cap_init() else { throw Errno(rawValue: errno) }
        defer { unsafe cap_free(UnsafeMutableRawPointer(wanted)) }
        try unsafe CapabilitySets.fill(wanted, CAP_PERMITTED, permitted.intersection(available))
        try unsafe CapabilitySets.fill(wanted, CAP_EFFECTIVE, effective.intersection(available))
        try unsafe CapabilitySets.fill(
            wanted, CAP_INHERITABLE, inheritable.intersection(available))
        try checkDone(unsafe cap_set_proc(wanted))
        try checkDone(cap_reset_ambient())
        for capability in ambient.intersection(available) {
            try checkDone(cap_set_ambient(capability.rawValue, CAP_SET))
        }
        return permitted.subtracting(available)
    }

    private static func fill(
        _ state: cap_t, _ flag: cap_flag_t, _ set: Set<Capability>
    ) throws(Errno) {
        let values = set.map(\.rawValue)
        if values.isEmpty { return }
        try checkDone(unsafe cap_set_flag(state, flag, CInt(values.count), values, CAP_SET))
    }
}
