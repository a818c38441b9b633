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
        guard unsafe cap_from_name(name, &value) == 0, CapabilitySet.isKnown(value) else {
            return nil
        }
        rawValue = 1 << UInt64(value)
    }

    /// Those that this process may use. The corresponding C function is `capget`.
    public static let permitted = (try? CapabilitySets.ofThread())?.permitted ?? []

    /// As many as every kernel has that this runs on: `CAP_CHECKPOINT_RESTORE` and those below it
    /// (Linux 5.9).
    static let knownCount: CInt = 41

    /// Whether the running kernel has it. Where it does not answer it has no name, and is not given.
    private static func isKnown(_ number: cap_value_t) -> Bool {
        (0..<knownCount).contains(number) || clinux_has_bounding(number) >= 0
    }

    /// The names of all that libcap and the running kernel know, in the order of their numbers.
    public static var names: [String] { CapabilitySet(rawValue: .max).names }

    /// The names of those in it that libcap knows, in the order of their numbers.
    public var names: [String] {
        numbers.compactMap { number in
            guard let text = unsafe cap_to_name(number) else { return nil }
            defer { unsafe cap_free(UnsafeMutableRawPointer(text)) }
            let name = unsafe String(cString: text).uppercased()
            // A number of its own that libcap has no name for.
            return CapabilitySet(name: name) == nil ? nil : name
        }
    }

    /// The corresponding C constant is `CAP_DAC_OVERRIDE`.
    public static let fileAccess = CapabilitySet(rawValue: 1 << 1)
    /// The corresponding C constant is `CAP_SETGID`.
    public static let setGroupID = CapabilitySet(rawValue: 1 << 6)
    /// The corresponding C constant is `CAP_SETUID`.
    public static let setUserID = CapabilitySet(rawValue: 1 << 7)

    /// The corresponding C constant is `CAP_SYS_ADMIN`.
    public static let systemAdministration = CapabilitySet(rawValue: 1 << 21)

    /// How many capabilities are in it.
    public var count: Int { rawValue.nonzeroBitCount }

    /// The numbers of the capabilities in it.
    var numbers: [cap_value_t] {
        (0..<64).filter { rawValue & (1 << UInt64($0)) != 0 }
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
    /// The corresponding C function is `prctl` with `PR_CAPBSET_DROP`.
    public func applyBounding() throws(Errno) {
        var unknown = 0
        for number in 0..<64 as Range<CInt> where bounding.rawValue & (1 << UInt64(number)) == 0 {
            do throws(Errno) {
                try checkDone(clinux_drop_bounding(number))
            } catch .invalidArgument where number >= CapabilitySet.knownCount {
                unknown += 1
                if unknown == 2 { break }
            }
        }
    }

    /// Replaces the effective, permitted and inheritable sets, then the ambient one.
    ///
    /// A capability that this process does not have cannot be granted and is left out.
    ///
    /// - Returns: What was granted.
    ///
    /// The corresponding C functions are `capset` and `prctl` with `PR_CAP_AMBIENT_RAISE`.
    public func apply() throws(Errno) -> CapabilitySets {
        let available = try CapabilitySets.ofThread().permitted
        var granted = self
        granted.effective.formIntersection(available)
        granted.permitted.formIntersection(available)
        granted.inheritable.formIntersection(available)
        granted.ambient.formIntersection(available)
        let sets = [granted.effective, granted.permitted, granted.inheritable].map(\.rawValue)
        try checkDone(unsafe clinux_set_capabilities(sets))
        // A new process has an empty ambient set unless its parent had one.
        try checkDone(clinux_clear_ambient())
        for number in granted.ambient.numbers { try checkDone(clinux_raise_ambient(number)) }
        return granted
    }
}

extension CapabilitySets {
    /// All five sets of this process, as the kernel has them.
    ///
    /// The corresponding C functions are `capget` and `prctl` with `PR_CAPBSET_READ` and
    /// `PR_CAP_AMBIENT_IS_SET`.
    public static func current() throws(Errno) -> CapabilitySets {
        var sets = try ofThread()
        sets.bounding = try readBounding()
        // The kernel keeps the ambient set within both of these.
        for number in sets.permitted.intersection(sets.inheritable).numbers
        where try check(clinux_has_ambient(number)) == 1 {
            sets.ambient.rawValue |= 1 << UInt64(number)
        }
        return sets
    }

    /// The effective, permitted and inheritable ones.
    static func ofThread() throws(Errno) -> CapabilitySets {
        var words: [UInt64] = [0, 0, 0]
        try checkDone(unsafe clinux_get_capabilities(&words))
        var sets = CapabilitySets()
        sets.effective = CapabilitySet(rawValue: words[0])
        sets.permitted = CapabilitySet(rawValue: words[1])
        sets.inheritable = CapabilitySet(rawValue: words[2])
        return sets
    }

    /// The bounding set. Two numbers in a row that the kernel does not know are its end: one wrong
    /// answer makes no shorter list, but an error.
    private static func readBounding() throws(Errno) -> CapabilitySet {
        var set: CapabilitySet = []
        var unknown = 0
        for number in 0..<64 as Range<CInt> {
            let answer = clinux_has_bounding(number)
            if answer < 0 {
                let error = Errno(rawValue: errno)
                if error != .invalidArgument || number < CapabilitySet.knownCount { throw error }
                unknown += 1
                if unknown == 2 { break }
            } else if unknown > 0 {
                throw .invalidArgument
            } else if answer == 1 {
                set.rawValue |= 1 << UInt64(number)
            }
        }
        return set
    }
}
