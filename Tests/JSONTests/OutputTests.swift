import Testing

@testable import JSON

@Suite struct `JSON output` {
    static let texts = [
        "null", "true", "false", "0", "-1", "9223372036854775807", "-9223372036854775808",
        "18446744073709551615", #""""#, #""a\"b\\c\n\t\r""#, #""\u0000\u001f\u007f""#, #""é😀""#,
        "[]", "{}", #"[1,[2,[]],{}]"#, #"{"a":{"b":[true,null]},"":"x"}"#,
    ]

    @Test(arguments: texts)
    func `compact text is what was parsed`(_ text: String) throws {
        #expect(JSONOutput(try parse(text).root).compactText == text)
    }

    @Test(arguments: texts)
    func `pretty text says the same`(_ text: String) throws {
        let pretty = JSONOutput(try parse(text).root).prettyText
        #expect(pretty.hasSuffix("\n"))
        #expect(JSONOutput(try parse(pretty).root).compactText == text)
    }

    @Test func `pretty text has four spaces a level and short lists on one line`() {
        let output = JSONOutput.object([
            ("args", .array([.string("sh"), .string("-c")])),
            ("numbers", .array([.integer(1), .unsigned(2)])),
            ("empty", .object([])),
            ("long", .array((0..<3).map { .string(String(repeating: "\($0)", count: 30)) })),
        ])
        #expect(
            output.prettyText == """
                {
                    "args": ["sh", "-c"],
                    "numbers": [
                        1,
                        2
                    ],
                    "empty": {},
                    "long": [
                        "000000000000000000000000000000",
                        "111111111111111111111111111111",
                        "222222222222222222222222222222"
                    ]
                }

                """)
    }

    static let thousandths: [(value: Int64, text: String)] = [
        (0, "0.000"), (1, "0.001"), (-1, "-0.001"), (999, "0.999"), (1000, "1.000"),
        (-12345, "-12.345"), (.max, "9223372036854775.807"), (.min, "-9223372036854775.808"),
    ]

    @Test(arguments: thousandths)
    func `thousandths have three digits after the point`(_ row: (value: Int64, text: String)) {
        #expect(JSONOutput.thousandths(row.value).compactText == row.text)
    }

    @Test func `a number that is no integer is not made one`() throws {
        #expect(JSONOutput(try parse("[1.5, 1e3]").root).compactText == "[null,null]")
    }
}
