internal import CLinux
public import SystemPackage

/// A set of small numbers, of CPUs or of memory nodes, as the kernel takes it: a bit each.
public struct NumberSet: Sendable, Hashable {
    /// As many as a list may name; more than any machine has.
    public static let limit = 8192

    package var words: [UInt64] = []

    public init() {}

    /// All that may be: of these the kernel takes those that it has.
    public static var all: NumberSet {
        var set = NumberSet()
        set.words = Array(repeating: .max, count: limit / 64)
        return set
    }

    public mutating func insert(_ number: Int) {
        let missing = number / 64 + 1 - words.count
        if missing > 0 { words += Array(repeating: 0, count: missing) }
        words[number / 64] |= 1 << UInt64(number % 64)
    }

    /// In ascending order.
    public var numbers: [Int] {
        words.indices.flatMap { word in
            (0..<64).filter { words[word] >> UInt64($0) & 1 == 1 }.map { word * 64 + $0 }
        }
    }

    public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
    public var isEmpty: Bool { count == 0 }
}

extension CurrentProcess {
    /// The CPUs that this process may run on. The corresponding C function is
    /// `sched_getaffinity`.
    public static func affinity() throws(Errno) -> NumberSet {
        var set = NumberSet.all
        let size = unsafe set.words.withUnsafeMutableBytes {
            unsafe clinux_get_affinity($0.baseAddress, $0.count)
        }
        let count = Int(try check(size))
        set.words.removeLast(set.words.count - (count + 7) / 8)
        return set
    }

    /// The CPUs that this process may run on. The corresponding C function is
    /// `sched_setaffinity`.
    public static func setAffinity(_ cpus: NumberSet) throws(Errno) {
        let result = unsafe cpus.words.withUnsafeBytes {
            unsafe clinux_set_affinity($0.baseAddress, $0.count)
        }
        try checkDone(result)
    }

    /// Where memory of this process comes from.
    ///
    /// - Parameter mode: `MPOL_*` with its flags.
    ///
    /// The corresponding C function is `set_mempolicy`.
    public static func setMemoryPolicy(_ mode: CInt, nodes: NumberSet) throws(Errno) {
        let result = unsafe nodes.words.withUnsafeBytes {
            unsafe clinux_set_memory_policy(mode, $0.baseAddress, UInt(nodes.words.count * 64))
        }
        try checkDone(result)
    }
}
