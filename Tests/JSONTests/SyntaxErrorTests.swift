import Testing

@testable import JSON

@Suite struct `JSON syntax errors` {
    static let table: [(text: String, place: String, message: String)] = [
        ("", "1:1", "the text ends where a value is expected"),
        (" \n ", "2:2", "the text ends where a value is expected"),
        ("{", "1:2", "expected a key in double quotes, found the end of the text"),
        ("[", "1:2", "the text ends where a value is expected"),
        ("{} {}", "1:4", "more text after the end of the document"),
        ("null,", "1:5", "more text after the end of the document"),
        ("[1,]", "1:4", "expected a value, found ']'; remove a superfluous ',' before it"),
        (
            "{\"a\": }", "1:7",
            "expected a value, found '}'; remove a superfluous ',' before it"
        ),
        ("{\"a\":1,}", "1:8", "expected a key in double quotes, found '}'"),
        ("{a: 1}", "1:2", "expected a key in double quotes, found 'a'"),
        ("{'a': 1}", "1:2", "expected a key in double quotes, found '''"),
        ("{1: 1}", "1:2", "expected a key in double quotes, found '1'"),
        ("{\"a\" 1}", "1:6", "expected ':' after a key, found '1'"),
        ("{\"a\"", "1:5", "expected ':' after a key, found the end of the text"),
        ("{\"a\":1 \"b\":2}", "1:8", "expected ',' or '}' after a member, found '\"'"),
        ("{\"a\":1", "1:7", "expected ',' or '}' after a member, found the end of the text"),
        ("{\"a\":1]", "1:7", "expected ',' or '}' after a member, found ']'"),
        ("[1 2]", "1:4", "expected ',' or ']' after an element, found '2'"),
        ("[1", "1:3", "expected ',' or ']' after an element, found the end of the text"),
        ("[1}", "1:3", "expected ',' or ']' after an element, found '}'"),
        ("tru", "1:1", "expected a value, found 't'"),
        ("True", "1:1", "expected a value, found 'T'"),
        ("nul]", "1:1", "expected a value, found 'n'"),
        ("falsy", "1:1", "expected a value, found 'f'"),
        ("NaN", "1:1", "expected a value, found 'N'"),
        ("+1", "1:1", "expected a value, found '+'"),
        (".5", "1:1", "expected a value, found '.'"),
        ("// a comment\n1", "1:1", "expected a value, found '/'"),
        ("[\u{1}]", "1:2", "expected a value, found the byte 0x01"),
        ("[\u{7f}]", "1:2", "expected a value, found the byte 0x7f"),
        ("[\u{a0}1]", "1:2", "expected a value, found the byte 0xc2"),
        ("\u{feff}{}", "1:1", "expected a value, found the byte 0xef"),
        ("01", "1:2", "a number cannot start with 0"),
        ("-01", "1:3", "a number cannot start with 0"),
        ("-", "1:2", "expected a digit, found the end of the text"),
        ("-x", "1:2", "expected a digit, found 'x'"),
        ("1.", "1:3", "expected a digit, found the end of the text"),
        ("1.e3", "1:3", "expected a digit, found 'e'"),
        ("1e", "1:3", "expected a digit, found the end of the text"),
        ("1e+", "1:4", "expected a digit, found the end of the text"),
        ("0x10", "1:2", "more text after the end of the document"),
        ("\"abc", "1:1", "an unterminated string"),
        ("[\"abc]", "1:2", "an unterminated string"),
        ("\"a\\", "1:4", "the text ends inside a string"),
        ("\"a\nb\"", "1:3", "a control character in a string must be written as \\u000a"),
        ("\"\t\"", "1:2", "a control character in a string must be written as \\u0009"),
        ("\"\u{1f}\"", "1:2", "a control character in a string must be written as \\u001f"),
        ("\"\\x41\"", "1:2", "an unknown escape"),
        ("\"\\'\"", "1:2", "an unknown escape"),
        ("\"\\u12\"", "1:6", "expected four hexadecimal digits after \\u"),
        ("\"\\u12g4\"", "1:6", "expected four hexadecimal digits after \\u"),
        ("\"\\u", "1:4", "expected four hexadecimal digits after \\u"),
        ("\"\\ud800\"", "1:2", "an unpaired surrogate"),
        ("\"\\ud800x\"", "1:2", "an unpaired surrogate"),
        ("\"\\ud800\\n\"", "1:2", "an unpaired surrogate"),
        ("\"\\ud800\\u0041\"", "1:2", "an unpaired surrogate"),
        ("\"\\udc00\"", "1:2", "an unpaired surrogate"),
        ("\"\\ud800\\ud800\"", "1:2", "an unpaired surrogate"),
    ]

    @Test(arguments: table)
    func `a syntax error has its place and its words`(
        _ row: (text: String, place: String, message: String)
    ) throws {
        let error = try #require(syntaxError(row.text))
        #expect("\(error.position.line):\(error.position.column)" == row.place)
        #expect(error.message == row.message)
    }

    static let invalidUTF8: [[UInt8]] = [
        [0x80], [0xbf], [0xc0, 0x80], [0xc1, 0xbf], [0xc3], [0xc3, 0x28], [0xe0, 0x80, 0x80],
        [0xe2, 0x82], [0xe2, 0x28, 0xa1], [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf],
        [0xf0, 0x80, 0x80, 0x80], [0xf0, 0x9f, 0x98], [0xf4, 0x90, 0x80, 0x80],
        [0xf5, 0x80, 0x80, 0x80], [0xff], [0xfe],
    ]

    @Test(arguments: invalidUTF8)
    func `bytes that are no UTF-8 are an error where they stand`(_ bytes: [UInt8]) throws {
        let quote = UInt8(ascii: "\"")
        let error = try #require(syntaxError([quote, 0x61] + bytes + [quote]))
        #expect(error.message == "not UTF-8")
        #expect(error.offset == 2)
        let atTheEnd = try #require(syntaxError([quote, 0x61] + bytes))
        #expect(atTheEnd.message == "not UTF-8")
    }

    @Test func `nesting of 128 levels is the deepest`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try parse(nested(128)).root.elements.count == 1)
        let error = try #require(syntaxError(nested(129)))
        #expect(error.message == "nested deeper than 128 levels")
        #expect(error.position.column == 129)
    }

    @Test func `a million open brackets do not exhaust the stack`() throws {
        for text in ["[", "{\"a\":"] {
            let error = try #require(syntaxError(String(repeating: text, count: 1_000_000)))
            #expect(error.message == "nested deeper than 128 levels")
        }
    }

    @Test func `a text over 64 MiB is refused before it is read`() throws {
        let error = try #require(syntaxError([UInt8](repeating: 0xff, count: 64 << 20 | 1)))
        #expect(error.message == "the text is larger than 64 MiB")
        #expect(error.offset == 0)
    }

    @Test func `every cut of a valid text is an error and none is a trap`() throws {
        let text = Array(
            #"{"a": [1.5e-3, "é\u00e9\ud83d\ude00", true, null, {"b": -0}], "c": {}}"#.utf8)
        #expect(syntaxError(text) == nil)
        for count in 0..<text.count {
            #expect(syntaxError(Array(text[..<count])) != nil, "of \(count) bytes")
        }
    }
}
