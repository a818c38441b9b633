/// What is known of the arguments of a call on one way through a filter: for each half of an
/// argument the values that it may have there.
public struct ArgumentFacts: Hashable, Sendable {
    /// By the offset in `struct seccomp_data`.
    private(set) var words: [UInt32: Word] = [:]
    /// Whether a decision was taken about what is not known: the way may be one that no call takes.
    var isCertain = true

    /// The values of 32 bits that are still possible.
    struct Word: Hashable, Sendable {
        var least: UInt32 = 0
        var most: UInt32 = .max
        /// The bits that are known, and their values.
        var mask: UInt32 = 0
        var bits: UInt32 = 0
        /// A mask and the value that the masked bits do not have.
        var not: Set<[UInt32]> = []

        /// The most of `not` that are kept.
        static let mostExcluded = 256

        var value: UInt32? { least == most ? least : mask == .max ? bits : nil }

        fileprivate var isPossible: Bool {
            if least > most { return false }
            if not.contains(where: { mask & $0[0] == $0[0] && bits & $0[0] == $0[1] }) {
                return false
            }
            guard let value else { return true }
            return value >= least && value <= most && value & mask == bits
                && !not.contains { value & $0[0] == $0[1] }
        }
    }

    init() {}

    /// - Parameter arguments: Nil for one that is not known.
    init(_ arguments: [UInt64?]) {
        for (index, argument) in arguments.prefix(6).enumerated() {
            guard let argument else { continue }
            set(ArgumentFacts.offset(index), UInt32(truncatingIfNeeded: argument))
            set(ArgumentFacts.offset(index) + 4, UInt32(truncatingIfNeeded: argument >> 32))
        }
    }

    /// Of an argument's low half, on a machine that has it first.
    static func offset(_ argument: Int) -> UInt32 { 16 + 8 * UInt32(argument) }

    private mutating func set(_ offset: UInt32, _ value: UInt32) {
        words[offset] = Word(least: value, most: value)
    }

    func value(at offset: UInt32) -> UInt32? { words[offset]?.value }

    /// Learns that masked bits compare so. False where no value of the word does.
    mutating func learn(
        _ offset: UInt32, _ mask: UInt32, _ operation: Instruction.Operation, _ constant: UInt32,
        _ holds: Bool
    ) -> Bool {
        var word = words[offset] ?? Word()
        switch operation {
        case .jumpIfEqual:
            if constant & ~mask != 0 { return !holds }
            if holds {
                if (word.bits ^ constant) & word.mask & mask != 0 { return false }
                word.mask |= mask
                word.bits |= constant
                if mask == .max {
                    if constant < word.least || constant > word.most { return false }
                    (word.least, word.most) = (constant, constant)
                }
            } else {
                if word.mask & mask == mask && word.bits & mask == constant { return false }
                if mask == .max {
                    if word.least == constant {
                        if word.most == constant { return false }
                        word.least += 1
                    } else if word.most == constant {
                        word.most -= 1
                    }
                }
                if mask.nonzeroBitCount == 1 {
                    word.mask |= mask
                    word.bits |= mask & ~constant
                } else if word.not.count < Word.mostExcluded {
                    word.not.insert([mask, constant])
                } else {
                    isCertain = false
                }
            }
        case .jumpIfGreater, .jumpIfGreaterOrEqual:
            let least = operation == .jumpIfGreater ? UInt64(constant) + 1 : UInt64(constant)
            guard mask == .max else {
                // Of masked bits only what is never or always so is known.
                if least > UInt64(mask) { return !holds }
                if least == 0 { return holds }
                if let value = word.value { return (UInt64(value & mask) >= least) == holds }
                isCertain = false
                return true
            }
            if holds {
                if least > UInt64(word.most) { return false }
                word.least = max(word.least, UInt32(least))
            } else {
                if least <= UInt64(word.least) { return false }
                word.most = min(word.most, UInt32(least - 1))
            }
        case .jumpIfAnySet:
            let asked = constant & mask
            if asked & word.mask & word.bits != 0 { return holds && word.isPossible }
            if holds {
                let open = asked & ~word.mask
                if open == 0 { return false }
                if open.nonzeroBitCount == 1 {
                    word.mask |= open
                    word.bits |= open
                } else if word.not.count < Word.mostExcluded {
                    word.not.insert([asked, 0])
                }
            } else {
                word.mask |= asked
            }
        default:
            isCertain = false
            return true
        }
        guard word.isPossible else { return false }
        words[offset] = word
        return true
    }
}
