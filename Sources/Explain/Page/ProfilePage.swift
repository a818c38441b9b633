public import JSON
internal import LinuxSystem
public import OCISpec
public import Seccomp

/// What a profile does, in words and as JSON.
public struct ProfilePage {
    private let profile: Spec.Seccomp
    private let stack: FilterStack
    /// Where the rule at an offset stands: `profile.json:12`.
    private let place: (Int) -> String

    public init(_ profile: Spec.Seccomp, _ stack: FilterStack, place: @escaping (Int) -> String) {
        (self.profile, self.stack, self.place) = (profile, stack, place)
    }

    private var defaultPlace: String { place(profile.defaultAction?.offset ?? profile.offset) }

    /// All calls, by what becomes of them.
    public func text(columns: Int) -> String {
        var page = Page(columns: columns)
        var facts = SeccompFacts()
        facts.take(stack, "")
        page.heading("A call that no rule names")
        page.row(profile.defaultAnswer.words, "the default action".origin(defaultPlace))
        page.heading("System calls")
        let allowed = facts.decisions.filter(\.isAllowed).map(\.call.words).sorted()
        page.row("allowed", "\(allowed.count): \(allowed.joined(separator: " "))")
        for (answer, calls) in facts.refused {
            page.row(answer.words, "\(calls.count): \(calls.joined(separator: " "))")
        }
        if !facts.conditional.isEmpty { page.heading("By their arguments") }
        for decision in facts.conditional {
            let rule = profile.rules(about: decision.call.words).first
            page.row(decision.call.words, decision.words.origin(rule.map { place($0.offset) }))
        }
        return page.text
    }

    public var json: JSONOutput {
        .object([
            ("default", .string(profile.defaultAnswer.words)),
            ("calls", .object(stack.decideAll().map(\.member))),
        ])
    }

    /// One call.
    ///
    /// - Parameter arguments: Nil for one that is not known.
    public func text(of name: String, _ arguments: [UInt64?], columns: Int) -> String? {
        guard let call = SystemCallNumber(named: name) else { return nil }
        let decision = stack.decide(call, arguments)
        var page = Page(columns: columns)
        page.heading(name + "(" + ProfilePage.list(arguments, of: name) + ")")
        page.row("answer", decision.answer.map(\.words) ?? decision.words)
        let rules = rules(name, arguments, decision)
        for rule in rules {
            let condition = rule.conditions.isEmpty ? "" : " if \(rule.conditions)"
            page.row(
                "rule",
                "syscalls[\(rule.index)]: \(rule.answer.words)\(condition)"
                    .origin(place(rule.offset)))
        }
        if rules.isEmpty { page.row("rule", reason(decision)) }
        if !decision.isAllowed {
            page.row("to allow it", ProfilePage.changeText(name, arguments))
        }
        return page.text
    }

    public func json(of name: String, _ arguments: [UInt64?]) -> JSONOutput? {
        guard let call = SystemCallNumber(named: name) else { return nil }
        let decision = stack.decide(call, arguments)
        return .object([
            ("call", .string(name)), ("number", .unsigned(UInt64(call.number))),
            ("answer", decision.member.value),
            (
                "rules",
                .array(
                    rules(name, arguments, decision).map {
                        [
                            "index": .integer(Int64($0.index)), "place": .string(place($0.offset)),
                            "answer": .string($0.answer.words),
                            "conditions": .string($0.conditions),
                        ]
                    })
            ),
            ("change", decision.isAllowed ? .null : ProfilePage.change(name, arguments)),
        ])
    }

    /// The rules that give the answers that the filter gives.
    private func rules(
        _ name: String, _ arguments: [UInt64?], _ decision: FilterDecision
    ) -> [ProfileRule] {
        let answers = decision.answers
        return profile.rules(about: name, arguments).filter { answers.contains($0.answer) }
    }

    /// Why a call is answered that no rule is about.
    private func reason(_ decision: FilterDecision) -> String {
        if decision.answer == profile.defaultAnswer {
            return "no rule applies: the default action".origin(defaultPlace)
        }
        return "the call is newer than every call that the profile names (docs/seccomp.md)"
    }

    /// The rule of one refused call, for `--seccomp-explain`: `seccomp.json:12`.
    public func rulePlace(_ name: String, _ arguments: [UInt64?]) -> String {
        guard let call = SystemCallNumber(named: name) else { return defaultPlace }
        let decision = stack.decide(call, arguments)
        guard let rule = rules(name, arguments, decision).first else {
            return decision.answer == profile.defaultAnswer
                ? "the default action (\(defaultPlace))" : "being newer than the profile"
        }
        return "syscalls[\(rule.index)] (\(place(rule.offset)))"
    }

    /// The entry of `syscalls` that would allow a call.
    public static func change(_ name: String, _ arguments: [UInt64?]) -> JSONOutput {
        var members: [(key: String, value: JSONOutput)] = [
            ("names", .strings([name])), ("action", "SCMP_ACT_ALLOW"),
        ]
        // What a family or a set of flags means is known; other arguments change with each call.
        let kinds = CallArguments.kinds(of: name) ?? []
        let conditions: [JSONOutput] = zip(0..., zip(arguments, kinds)).compactMap { index, pair in
            guard let value = pair.0, case .family = pair.1 else { return nil }
            return [
                "index": .integer(Int64(index)), "value": .unsigned(value), "op": "SCMP_CMP_EQ",
            ]
        }
        if !conditions.isEmpty { members.append(("args", .array(conditions))) }
        return .object(members)
    }

    /// With spaces, so that it can be wrapped.
    public static func changeText(_ name: String, _ arguments: [UInt64?]) -> String {
        var text = ""
        for character in change(name, arguments).compactText {
            text.append(character)
            if character == "," || character == ":" { text.append(" ") }
        }
        return text
    }

    /// The arguments in words.
    ///
    /// - Parameter text: The string that an argument points to, where it can be told.
    public static func list(
        _ arguments: [UInt64?], of name: String, _ text: (Int) -> String? = { _ in nil }
    ) -> String {
        let kinds = CallArguments.kinds(of: name)
        // Of a call in the table the further registers hold anything.
        let known = kinds?.count ?? 0
        let count = arguments.count == 6 && kinds != nil ? known : max(arguments.count, known)
        return (0..<count).map { index in
            guard index < arguments.count, let value = arguments[index] else { return "?" }
            let kind = kinds.flatMap { index < $0.count ? $0[index] : nil } ?? .hexadecimal
            if case .text = kind, let found = text(index) { return found.inQuotes }
            return CallArguments.words(value, kind)
        }.joined(separator: ", ")
    }
}

/// The difference between two profiles by what they do.
public struct ProfileDifferencePage {
    private let differences: [FilterDifference]

    public init(_ one: FilterStack, _ other: FilterStack) {
        differences = one.differences(from: other)
    }

    public var isEmpty: Bool { differences.isEmpty }

    /// - Parameter names: Of the two.
    public func text(_ names: (String, String), columns: Int) -> String {
        var page = Page(columns: columns)
        page.heading("\(names.0) → \(names.1)")
        if differences.isEmpty { page.note("Both answer every call alike.") }
        for difference in differences {
            let name = difference.call.name ?? "calls without a name"
            for part in difference.cases {
                let condition = part.condition.isEmpty ? "" : " if \(part.condition)"
                page.row(name, "\(part.one.words) → \(part.other.words)\(condition)")
            }
        }
        return page.text
    }

    public var json: JSONOutput {
        .array(
            differences.flatMap { difference in
                difference.cases.map {
                    [
                        "call": difference.call.name.map { .string($0) } ?? .null,
                        "from": .string($0.one.words), "to": .string($0.other.words),
                        "if": .string($0.condition),
                    ]
                }
            })
    }
}
