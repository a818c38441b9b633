public import LinuxSystem

/// The filters of a process. A call goes through all of them, and the strictest answer counts.
public struct FilterStack: Sendable {
    let programs: [FilterProgram]

    /// - Parameter filters: Nil where one of them is no program.
    public init?(_ filters: [SeccompFilter]) {
        programs = filters.compactMap { FilterProgram($0) }
        if programs.count < filters.count { return nil }
    }

    init(_ programs: [FilterProgram]) { self.programs = programs }

    /// How many instructions they have together.
    public var instructionCount: Int { programs.map(\.instructions.count).reduce(0, +) }

    /// The most instructions that are walked for one question. A process may have many filters, made so
    /// that each call has many ways through each.
    private static let mostInstructions = 1 << 23

    /// - Parameter left: How many instructions may be walked yet.
    private func ways(
        _ call: SystemCallNumber, _ facts: ArgumentFacts, _ left: inout Int
    ) -> [FilterProgram.Way] {
        var found = [FilterProgram.Way(answer: .allow, facts: facts)]
        for program in programs {
            var next: [FilterProgram.Way] = []
            for way in found where next.count < FilterProgram.mostWays {
                for further in program.ways(call, way.facts, &left) {
                    let answer = further.answer.rank < way.answer.rank ? further : way
                    next.append(.init(answer: answer.answer, facts: further.facts))
                }
            }
            found = next
        }
        return found
    }

    /// What becomes of a call.
    ///
    /// - Parameter arguments: As far as they are known.
    public func decide(
        _ call: SystemCallNumber, _ arguments: [UInt64?] = []
    ) -> FilterDecision {
        var left = FilterStack.mostInstructions
        return FilterDecision(call: call, ways: ways(call, ArgumentFacts(arguments), &left))
    }

    /// The same of every call that has a name.
    public func decideAll(on architecture: UInt32 = SystemCallNumber.native) -> [FilterDecision] {
        var left = FilterStack.mostInstructions
        return SystemCallNumber.named(on: architecture).map {
            FilterDecision(call: $0, ways: ways($0, ArgumentFacts(), &left))
        }
    }
}

/// What filters answer to one call, by its arguments.
public struct FilterDecision: Sendable {
    public let call: SystemCallNumber
    let ways: [FilterProgram.Way]

    /// Each once, the mildest first.
    public var answers: [FilterAnswer] {
        Set(ways.map(\.answer)).sorted { ($0.rank, $1.rawValue) > ($1.rank, $0.rawValue) }
    }

    /// The answer where the arguments decide nothing.
    public var answer: FilterAnswer? { answers.count == 1 ? answers.first : nil }

    /// Whether no argument makes the call pass.
    public var isRefused: Bool { ways.allSatisfy { !$0.answer.isAllowed } }
    /// Whether every argument does.
    public var isAllowed: Bool { ways.allSatisfy(\.answer.isAllowed) }

    /// The arguments that lead to an answer, as alternatives: `arg0 == 1`, `arg1 & 0xf == 0`.
    ///
    /// - Parameter limit: The most alternatives.
    public func conditions(of answer: FilterAnswer, atMost limit: Int = 8) -> [String] {
        var found: [String] = []
        for way in ways where way.answer == answer {
            let words = way.facts.words(isExact: true)
            if found.contains(words) { continue }
            if found.count == limit { return found + ["…"] }
            found.append(words)
        }
        return found
    }
}

/// A call that two stacks of filters answer differently.
public struct FilterDifference: Sendable {
    public let call: SystemCallNumber
    public let cases: [Case]

    public struct Case: Hashable, Sendable {
        public var one: FilterAnswer
        public var other: FilterAnswer
        /// The arguments; empty for all.
        public var condition: String
    }
}

extension FilterStack {
    /// The most cases of a call that are told.
    private static let mostCases = 64

    /// Compares by meaning: what each answers to every call with every argument.
    public func differences(
        from other: FilterStack, on architecture: UInt32 = SystemCallNumber.native
    ) -> [FilterDifference] {
        // One that no profile can know stands for all those that have no name yet.
        let unnamed = SystemCallNumber(0x3fff_fff0, on: architecture)
        var left = FilterStack.mostInstructions
        return (SystemCallNumber.named(on: architecture) + [unnamed]).compactMap { call in
            var cases: [FilterDifference.Case] = []
            for way in ways(call, ArgumentFacts(), &left) {
                for answer in other.ways(call, way.facts, &left) where answer.answer != way.answer {
                    let found = FilterDifference.Case(
                        one: way.answer, other: answer.answer,
                        condition: answer.facts.words(isExact: true))
                    if !cases.contains(found) && cases.count < FilterStack.mostCases {
                        cases.append(found)
                    }
                }
            }
            return cases.isEmpty ? nil : FilterDifference(call: call, cases: cases)
        }
    }
}
