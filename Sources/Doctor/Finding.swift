public import JSON
internal import SystemPackage

/// The result of a probe.
public struct Finding: Sendable {
    public enum Verdict: String, Sendable, CaseIterable {
        /// It was tried and does.
        case works
        /// It was tried and does not.
        case lacks
        /// Neither good nor bad: how things are here.
        case fact
        /// It could not be tried: what it needs is lacking, or it is not for this user.
        case untried
    }

    public var verdict: Verdict
    /// The answer of the kernel, in lower case; may be empty for `works`.
    public var said: String
    /// The command that mends it, or advice.
    public var remedy: String?
    /// By stable keys, for programs.
    public var facts: [(key: String, value: JSONOutput)] = []

    static func works(
        _ said: String = "", facts: [(key: String, value: JSONOutput)] = []
    ) -> Finding {
        Finding(verdict: .works, said: said, facts: facts)
    }

    static func fact(
        _ said: String, facts: [(key: String, value: JSONOutput)] = []
    ) -> Finding {
        Finding(verdict: .fact, said: said, facts: facts)
    }

    static func lacks(
        _ said: String, _ remedy: String? = nil, facts: [(key: String, value: JSONOutput)] = []
    ) -> Finding {
        Finding(verdict: .lacks, said: said, remedy: remedy, facts: facts)
    }

    static func untried(_ said: String) -> Finding { Finding(verdict: .untried, said: said) }
}

/// On its way out of the process that has probed.
extension Finding {
    var encoded: [UInt8] {
        let text = JSONOutput.object([
            ("verdict", .string(verdict.rawValue)), ("said", .string(said)),
            ("remedy", remedy.map(JSONOutput.string) ?? .null), ("facts", .object(facts)),
        ])
        return Array(text.compactText.utf8)
    }

    init?(encoded: [UInt8]) {
        guard let root = try? JSONDocument(encoded).root,
            let word = root["verdict"]?.string, let verdict = Verdict(rawValue: word),
            let said = root["said"]?.string
        else { return nil }
        self.verdict = verdict
        self.said = said
        remedy = root["remedy"]?.string
        facts = root["facts"]?.members.map { ($0.key.string ?? "", JSONOutput($0.value)) } ?? []
    }
}
