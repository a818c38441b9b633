public import LinuxSystem

/// A filter whose answers can be asked for without a kernel: whatever compiler has made it, all
/// instructions that seccomp(2) takes are understood.
public struct FilterProgram: Sendable {
    let instructions: [Instruction]

    /// Nil for bytes that are no program.
    public init?(_ filter: SeccompFilter) {
        guard let found = Instruction.program(filter.program), !found.isEmpty else { return nil }
        instructions = found
    }

    init(_ instructions: [Instruction]) { self.instructions = instructions }

    /// A way through one filter or several: the answer, and the arguments that lead to it.
    public struct Way: Hashable, Sendable {
        public var answer: FilterAnswer
        public var facts: ArgumentFacts
    }

    /// The most ways of one call.
    static let mostWays = 1024
    /// The instructions on all ways of a call.
    private static let mostSteps = 1 << 18

    /// All ways of a call. Where there are more than are looked at, the last is a kill that is not
    /// certain.
    ///
    /// - Parameters:
    ///   - facts: What is known of the arguments before.
    ///   - left: How many instructions may be walked yet, on all ways of all calls.
    func ways(_ call: SystemCallNumber, _ facts: ArgumentFacts, _ left: inout Int) -> [Way] {
        var found: [Way] = []
        var pending = [State(facts: facts)]
        var steps = 0
        while var state = pending.popLast() {
            while true {
                steps += 1
                left -= 1
                guard state.index < instructions.count, steps < FilterProgram.mostSteps, left > 0,
                    found.count < FilterProgram.mostWays
                else {
                    state.facts.isCertain = false
                    found.append(Way(answer: FilterAnswer(rawValue: 1 << 31), facts: state.facts))
                    return found
                }
                let instruction = instructions[state.index]
                if let answer = state.answer(instruction) {
                    found.append(Way(answer: answer, facts: state.facts))
                    break
                }
                if instruction.operation.isConditional {
                    guard state.branch(instruction, &pending) else { break }
                } else {
                    state.carryOut(instruction, call)
                }
            }
        }
        return found
    }
}

extension Instruction.Operation {
    /// `BPF_JMP` but `BPF_JA`.
    var isConditional: Bool { rawValue & 0x07 == 0x05 && rawValue & 0xf0 != 0 }
}

/// The machine of classic BPF, with values that may not be known.
private struct State {
    enum Value {
        case known(UInt32)
        /// Bits of a word of the call.
        case word(UInt32, mask: UInt32)
        case unknown
    }

    var index = 0
    var accumulator = Value.known(0)
    var register = Value.known(0)
    var memory: [UInt32: Value] = [:]
    var facts: ArgumentFacts

    func answer(_ instruction: Instruction) -> FilterAnswer? {
        switch instruction.operation.rawValue {
        case 0x06: return FilterAnswer(rawValue: instruction.constant)
        case 0x16:
            guard case .known(let value) = accumulator else {
                return FilterAnswer(rawValue: 1 << 31)
            }
            return FilterAnswer(rawValue: value)
        default: return nil
        }
    }

    /// Goes on at one of two places; the other one is left in `pending`. False where neither is
    /// possible.
    mutating func branch(_ instruction: Instruction, _ pending: inout [State]) -> Bool {
        let onTrue = index + 1 + Int(instruction.onTrue)
        let onFalse = index + 1 + Int(instruction.onFalse)
        // BPF_X: compared with the register.
        let operation = Instruction.Operation(rawValue: instruction.operation.rawValue & ~0x08)
        var constant: UInt32? = instruction.constant
        if instruction.operation.rawValue & 0x08 != 0 {
            constant = if case .known(let value) = register { value } else { nil }
        }
        switch (accumulator, constant) {
        case (.known(let value), let constant?):
            index = State.holds(value, operation, constant) ? onTrue : onFalse
            return true
        case (.word(let offset, let mask), let constant?):
            var other = self
            let mayHold = facts.learn(offset, mask, operation, constant, true)
            let mayNot = other.facts.learn(offset, mask, operation, constant, false)
            index = onTrue
            other.index = onFalse
            if mayHold && mayNot { pending.append(other) }
            if !mayHold { self = other }
            return mayHold || mayNot
        default:
            facts.isCertain = false
            var other = self
            index = onTrue
            other.index = onFalse
            pending.append(other)
            return true
        }
    }

    private static func holds(
        _ value: UInt32, _ operation: Instruction.Operation, _ constant: UInt32
    ) -> Bool {
        switch operation {
        case .jumpIfEqual: value == constant
        case .jumpIfGreater: value > constant
        case .jumpIfGreaterOrEqual: value >= constant
        default: value & constant != 0
        }
    }

    mutating func carryOut(_ instruction: Instruction, _ call: SystemCallNumber) {
        let constant = instruction.constant
        index += 1
        switch instruction.operation.rawValue {
        case 0x05: index += Int(constant)
        case 0x20: accumulator = loaded(constant, call)
        case 0x00: accumulator = .known(constant)
        case 0x01: register = .known(constant)
        // The length of what is looked at.
        case 0x80: accumulator = .known(64)
        case 0x81: register = .known(64)
        case 0x60: accumulator = memory[constant] ?? .known(0)
        case 0x61: register = memory[constant] ?? .known(0)
        case 0x02: memory[constant] = accumulator
        case 0x03: memory[constant] = register
        case 0x07: register = accumulator
        case 0x87: accumulator = register
        case let code where code & 0x07 == 0x04:
            calculate(code & 0xf0, code & 0x08 == 0 ? .known(constant) : register)
        default: accumulator = .unknown
        }
    }

    private func loaded(_ offset: UInt32, _ call: SystemCallNumber) -> Value {
        switch offset {
        case Instruction.number: .known(call.number)
        case Instruction.architecture: .known(call.architecture)
        default: facts.value(at: offset).map { .known($0) } ?? .word(offset, mask: .max)
        }
    }

    private mutating func calculate(_ operation: UInt16, _ operand: Value) {
        if operation == 0x50, case .word(let offset, let mask) = accumulator,
            case .known(let other) = operand
        {
            accumulator = .word(offset, mask: mask & other)
            return
        }
        guard case .known(let left) = accumulator, case .known(let right) = operand else {
            accumulator = .unknown
            return
        }
        let shift = right < 32 ? right : 32
        switch operation {
        case 0x00: accumulator = .known(left &+ right)
        case 0x10: accumulator = .known(left &- right)
        case 0x20: accumulator = .known(left &* right)
        case 0x30 where right != 0: accumulator = .known(left / right)
        case 0x40: accumulator = .known(left | right)
        case 0x50: accumulator = .known(left & right)
        case 0x60: accumulator = .known(left << shift)
        case 0x70: accumulator = .known(left >> shift)
        case 0x80: accumulator = .known(0 &- left)
        case 0xa0: accumulator = .known(left ^ right)
        default: accumulator = .unknown
        }
    }
}
