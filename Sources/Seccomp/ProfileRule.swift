public import OCISpec

/// The rule of a profile that decides about a call.
public struct ProfileRule: Sendable {
    /// The number of the entry in `syscalls`, from 0 on.
    public let index: Int
    /// In the profile's document.
    public let offset: Int
    public let answer: FilterAnswer
    /// Whether it depends on arguments that are not known.
    public let isConditional: Bool
    /// `arg0 == 1`, joined by "and" or "or"; empty without any.
    public let conditions: String
}

extension Spec.Seccomp {
    /// What the profile answers to a call that no rule is about.
    public var defaultAnswer: FilterAnswer {
        FilterAnswer(
            rawValue: SeccompCompiler.number(
                defaultAction?.value ?? .errno, defaultErrnoRet?.value))
    }

    /// The rules about a call that may apply to these arguments, in their order.
    ///
    /// - Parameter arguments: Nil for one that is not known.
    public func rules(about name: String, _ arguments: [UInt64?] = []) -> [ProfileRule] {
        syscalls.enumerated().compactMap { index, rule in
            guard rule.names.contains(where: { $0.value == name }) else { return nil }
            let states = rule.args.map { $0.holds(for: arguments) }
            let indices = rule.args.map(\.index.value)
            // As the compiler has it: conditions on one argument are alternatives.
            let areAlternatives = Set(indices).count < indices.count
            let applies: Bool? =
                areAlternatives
                ? (states.contains(true) ? true : states.contains(nil) ? nil : false)
                : (states.contains(false) ? false : states.contains(nil) ? nil : true)
            if applies == false { return nil }
            return ProfileRule(
                index: index, offset: rule.offset,
                answer: FilterAnswer(
                    rawValue: SeccompCompiler.number(rule.action.value, rule.errnoRet?.value)),
                isConditional: applies == nil,
                conditions: rule.args.map(\.words).joined(
                    separator: areAlternatives ? " or " : " and "))
        }
    }
}

extension Spec.Seccomp.Argument {
    /// Nil where the argument is not known.
    fileprivate func holds(for arguments: [UInt64?]) -> Bool? {
        guard Int(index.value) < arguments.count, let argument = arguments[Int(index.value)] else {
            return nil
        }
        return switch op.value {
        case .notEqual: argument != value.value
        case .less: argument < value.value
        case .lessOrEqual: argument <= value.value
        case .equal: argument == value.value
        case .greaterOrEqual: argument >= value.value
        case .greater: argument > value.value
        case .maskedEqual: argument & value.value == valueTwo?.value ?? 0
        }
    }

    fileprivate var words: String {
        let name = "arg\(index.value)"
        let number = value.value.argumentWords
        return switch op.value {
        case .notEqual: "\(name) != \(number)"
        case .less: "\(name) < \(number)"
        case .lessOrEqual: "\(name) <= \(number)"
        case .equal: "\(name) == \(number)"
        case .greaterOrEqual: "\(name) >= \(number)"
        case .greater: "\(name) > \(number)"
        case .maskedEqual: "\(name) & \(number) == \((valueTwo?.value ?? 0).argumentWords)"
        }
    }
}
