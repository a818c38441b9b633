import Testing

@testable import JSON

@Suite struct `JSON places` {
    static let text = """
        {
          "process": {"args": ["sh", {"é€": [true, "😀", 7]}], "a b": {"": {"x.y": 1}}},
          "é": 2
        }
        """

    static let table: [(value: String, place: String, path: String)] = [
        ("\"sh\"", "2:24", "process.args[0]"),
        ("true", "2:38", "process.args[1][\"é€\"][0]"),
        ("\"😀\"", "2:44", "process.args[1][\"é€\"][1]"),
        ("7", "2:49", "process.args[1][\"é€\"][2]"),
        ("1", "2:75", "process[\"a b\"][\"\"][\"x.y\"]"),
        ("2", "3:8", "[\"é\"]"),
        ("[true", "2:37", "process.args[1][\"é€\"]"),
        ("\"args\"", "2:15", "process.args"),
        ("{\n", "1:1", ""),
    ]

    @Test(arguments: table)
    func `line, column and path of a value`(
        _ row: (value: String, place: String, path: String)
    ) throws {
        let document = try parse(Self.text)
        let bytes = Array(row.value.utf8)
        let offset = try #require(
            document.bytes.indices.first { document.bytes[$0...].starts(with: bytes) })
        let position = document.position(of: offset)
        #expect("\(position.line):\(position.column)" == row.place)
        #expect(document.path(to: offset) == row.path)
    }

    @Test func `columns count characters, not bytes`() throws {
        let error = try #require(syntaxError("[\"äöü😀\", x]"))
        #expect(error.offset == 15)
        #expect(error.position.column == 10)
    }

    @Test func `a position past the end is that of the end`() throws {
        let position = try parse("[1]\n").position(of: 1000)
        #expect(position.line == 2 && position.column == 1)
    }

    @Test func `every value's offset leads back to its path`() throws {
        let document = try parse(#"{"a": [[], [{}, {"b": [1, 2]}]], "c": {"d": {}}}"#)
        func walk(_ value: JSONValue, _ path: String) {
            #expect(document.path(to: value.offset) == path)
            for (index, element) in value.elements.enumerated() {
                walk(element, path + "[\(index)]")
            }
            for (key, member) in value.members {
                walk(member, path + (path.isEmpty ? "" : ".") + (key.string ?? ""))
            }
        }
        walk(document.root, "")
    }
}
