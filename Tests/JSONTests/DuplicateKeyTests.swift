import Testing

@testable import JSON

@Suite struct `JSON duplicate keys` {
    static let table: [(text: String, keys: [String])] = [
        (#"{"a": 1, "b": 2}"#, []),
        (#"{"a": 1, "a": 2}"#, ["a"]),
        (#"{"a": 1, "a": 2, "a": 3}"#, ["a", "a"]),
        (#"{"a": {"a": 1}, "b": {"a": 2}}"#, []),
        (#"[{"a": 1}, {"a": 2}]"#, []),
        (#"{"a": 1, "A": 2}"#, []),
        (#"{"a": 1, "\u0061": 2}"#, ["a"]),
        (#"{"\u0061": 1, "a": 2}"#, ["a"]),
        (#"{"/": 1, "\/": 2}"#, ["/"]),
        (#"{"": 1, "": 2}"#, [""]),
        // Characters that Swift's String holds for equal are different keys.
        ("{\"\u{e9}\": 1, \"e\u{301}\": 2}", []),
        (#"{"x": {"b": 1, "b": 2}, "a": 1, "a": 2}"#, ["b", "a"]),
    ]

    @Test(arguments: table)
    func `a key that stands twice is listed`(_ row: (text: String, keys: [String])) throws {
        #expect(try parse(row.text).duplicateKeys.map(\.string) == row.keys)
    }

    @Test func `among many keys duplicates are found, too`() throws {
        let keys = (0..<1000).map { "\"k\($0)\": 0" } + ["\"k500\": 1"]
        let document = try parse("{" + keys.joined(separator: ", ") + "}")
        #expect(document.duplicateKeys.map(\.string) == ["k500"])
        #expect(document.root["k500"]?.integer(Int.self) == 1)
    }

    @Test func `of several values the last counts, as Go's decoder has it`() throws {
        let root = try parse(#"{"a": 1, "\u0061": 2}"#).root
        #expect(root["a"]?.integer(Int.self) == 2)
    }
}
