/// A filter told by ranges of call numbers, instead of each number by itself.
///
/// Every filter begins by looking at the architecture and the number: here
/// it is asked what it decides on every one of them, and neighbours of one decision become a range.
/// Parts that depend on a call's arguments are kept as they are.
struct CallRanges {
    /// The verdict of a filter on a call, as far as its number and architecture decide.
    fileprivate enum Decision: Hashable {
        /// `SECCOMP_RET_*`
        case answer(UInt32)
        /// The arguments decide: on with the instruction there.
        case goOn(Int)
    }

    /// Numbers from the first on, up to the next range.
    fileprivate struct Range {
        var first: UInt32
        var decision: Decision
    }

    private let filter: [Instruction]
    private let ranges: [(architecture: UInt32, ranges: [Range])]
    /// In any other architecture.
    private let elsewhere: [Range]

    /// - Parameter filter: The instructions of the whole filter. Nil where they do something with a
    ///   number or an architecture other than to compare it.
    init?(_ filter: [Instruction]) {
        guard let subjects = Subject.ofEach(filter) else { return nil }
        var firsts: Set<UInt32> = [0]
        var architectures: [UInt32] = []
        for (instruction, subject) in zip(filter, subjects) where instruction.operation.isCondition
        {
            let constant = instruction.constant
            switch subject {
            case .number:
                firsts.insert(constant)
                if constant != .max { firsts.insert(constant + 1) }
            case .architecture:
                // In which others it is more or less is not asked.
                if instruction.operation != .jumpIfEqual { return nil }
                if !architectures.contains(constant) { architectures.append(constant) }
            default: break
            }
        }
        let sorted = firsts.sorted()
        func ranges(_ architecture: UInt32?) -> [Range]? {
            var found: [Range] = []
            for first in sorted {
                guard let decision = CallRanges.decide(filter, architecture, first) else {
                    return nil
                }
                if found.last?.decision != decision {
                    found.append(Range(first: first, decision: decision))
                }
            }
            return found
        }
        var all: [(architecture: UInt32, ranges: [Range])] = []
        for architecture in architectures {
            guard let found = ranges(architecture) else { return nil }
            all.append((architecture, found))
        }
        guard let elsewhere = ranges(nil) else { return nil }
        self.filter = filter
        self.ranges = all
        self.elsewhere = elsewhere
    }

    /// Runs a filter up to where it looks at an argument. Nil for an unknown instruction.
    ///
    /// - Parameter architecture: Nil for one that the filter does not name.
    private static func decide(
        _ filter: [Instruction], _ architecture: UInt32?, _ number: UInt32
    ) -> Decision? {
        var index = 0
        var isNumber = false
        while index < filter.count {
            let instruction = filter[index]
            let constant = instruction.constant
            var isTrue = false
            switch instruction.operation {
            case .return: return .answer(constant)
            case .load where constant == Instruction.number: isNumber = true
            case .load where constant == Instruction.architecture: isNumber = false
            case .load: return .goOn(index)
            case .jump: index += Int(constant)
            case .jumpIfEqual: isTrue = isNumber ? number == constant : architecture == constant
            case .jumpIfGreater where isNumber: isTrue = number > constant
            case .jumpIfGreaterOrEqual where isNumber: isTrue = number >= constant
            default: return nil
            }
            if instruction.operation.isCondition {
                index += Int(isTrue ? instruction.onTrue : instruction.onFalse)
            }
            index += 1
        }
        return nil
    }

    /// The same filter, shorter; nil when it is not.
    var program: [Instruction]? {
        var writer = BackwardWriter()
        writer.copy(filter, from: (ranges.flatMap(\.ranges) + elsewhere).map(\.decision))
        var next = writer.search(elsewhere[...])
        if elsewhere.count > 1 { next = writer.add(Instruction(.load, Instruction.number)) }
        for (architecture, ranges) in ranges.reversed() {
            let other = next
            var own = writer.search(ranges[...])
            if ranges.count > 1 { own = writer.add(Instruction(.load, Instruction.number)) }
            next = writer.branch(.jumpIfEqual, architecture, onTrue: own, onFalse: other)
        }
        if !ranges.isEmpty { writer.add(Instruction(.load, Instruction.architecture)) }
        let program = Array(writer.reversed.reversed())
        return program.count < filter.count ? program : nil
    }
}

/// The field of the call that is loaded.
private struct Subject: OptionSet {
    var rawValue: UInt8

    static let number = Subject(rawValue: 1)
    static let architecture = Subject(rawValue: 2)
    static let other = Subject(rawValue: 4)

    /// The fields that each instruction of a filter may find; nil if one that compares may find one or
    /// another. Jumps only go forward, so one look is enough.
    static func ofEach(_ filter: [Instruction]) -> [Subject]? {
        var found = [Subject](repeating: [], count: filter.count)
        for (index, instruction) in filter.enumerated() {
            var passed = found[index]
            switch instruction.operation {
            case .return: continue
            case .load where instruction.constant == Instruction.number: passed = .number
            case .load where instruction.constant == Instruction.architecture:
                passed = .architecture
            case let operation where operation.isCondition || operation == .jump:
                if operation.isCondition && ![.number, .architecture, .other].contains(passed) {
                    return nil
                }
            default: passed = .other
            }
            for next in instruction.successors(of: index) {
                guard next < filter.count else { return nil }
                found[next].formUnion(passed)
            }
        }
        return found
    }
}

extension Instruction {
    /// Where a filter goes on behind it.
    fileprivate func successors(of index: Int) -> [Int] {
        switch operation {
        case .return: []
        case .jump: [index + 1 + Int(constant)]
        case _ where operation.isCondition: [index + 1 + Int(onTrue), index + 1 + Int(onFalse)]
        default: [index + 1]
        }
    }
}

/// Writes a program from its end, since BPF only jumps forward: a place is how many instructions
/// stand from there to the end.
private struct BackwardWriter {
    private(set) var reversed: [Instruction] = []
    private var answers: [UInt32: Int] = [:]
    /// Where what was copied stands, by where it stood.
    private var copies: [Int: Int] = [:]

    @discardableResult
    mutating func add(_ instruction: Instruction) -> Int {
        reversed.append(instruction)
        return reversed.count
    }

    /// Jumps to one of two places, by a jump of its own to one that is too far for a condition.
    mutating func branch(
        _ operation: Instruction.Operation, _ constant: UInt32, onTrue: Int, onFalse: Int
    ) -> Int {
        // Room for the other place's jump.
        let one = near(onTrue, within: 254)
        let other = near(onFalse, within: 255)
        return add(
            Instruction(
                operation, constant, onTrue: UInt8(reversed.count - one),
                onFalse: UInt8(reversed.count - other)))
    }

    private mutating func near(_ place: Int, within limit: Int) -> Int {
        if reversed.count - place <= limit { return place }
        return add(Instruction(.jump, UInt32(reversed.count - place)))
    }

    /// A binary search for the number that is loaded; where it begins.
    mutating func search(_ ranges: ArraySlice<CallRanges.Range>) -> Int {
        if ranges.count == 1, let only = ranges.first { return place(of: only.decision) }
        let middle = ranges.startIndex + ranges.count / 2
        let above = search(ranges[middle...])
        let below = search(ranges[..<middle])
        return branch(
            .jumpIfGreaterOrEqual, ranges[middle].first, onTrue: above, onFalse: below)
    }

    private mutating func place(of decision: CallRanges.Decision) -> Int {
        switch decision {
        case .goOn(let index): return copies[index] ?? 0
        case .answer(let answer):
            // A return is no longer than a jump to one that is far away.
            if let place = answers[answer], reversed.count - place < 200 { return place }
            let place = add(Instruction(.return, answer))
            answers[answer] = place
            return place
        }
    }

    /// Takes over what a filter does with arguments, from where those decisions go on.
    mutating func copy(_ filter: [Instruction], from decisions: [CallRanges.Decision]) {
        var isNeeded = [Bool](repeating: false, count: filter.count)
        for case .goOn(let index) in decisions { isNeeded[index] = true }
        for index in filter.indices where isNeeded[index] {
            for next in filter[index].successors(of: index) { isNeeded[next] = true }
        }
        for index in filter.indices.reversed() where isNeeded[index] {
            let instruction = filter[index]
            let next = instruction.successors(of: index).map { copies[$0] ?? 0 }
            if instruction.operation.isCondition {
                copies[index] = branch(
                    instruction.operation, instruction.constant, onTrue: next[0], onFalse: next[1])
                continue
            }
            // Instructions that followed, or were jumped to, may stand further down.
            if let next = next.first, next != reversed.count {
                add(Instruction(.jump, UInt32(reversed.count - next)))
            }
            copies[index] = instruction.operation == .jump ? reversed.count : add(instruction)
        }
    }
}
