import Testing

/// One member of a config.json and what must be said about it.
struct CheckRow: Sendable, CustomTestStringConvertible {
    private let key: String
    private let value: String?
    /// One diagnostic a line; nothing for a member that is fine.
    let expected: String

    init(_ key: String, _ value: String?, _ expected: String = "") {
        self.key = key
        self.value = value
        self.expected = expected
    }

    /// What is said, errors and warnings.
    var found: String {
        get throws { try ConfigFixture(key, value).diagnostics().joined(separator: "\n") }
    }

    var testDescription: String { "\(key): \(value ?? "missing")" }
}
