import Testing

@testable import JSON

@Suite struct `JSON values` {
    @Test func `every kind is read`() throws {
        let root = try parse(
            #" {"o": {}, "a": [], "s": "", "n": 0, "t": true, "f": false, "z": null} "#
        )
        .root
        let kinds = root.members.map(\.value.kind)
        #expect(kinds == [.object, .array, .string, .number, .true, .false, .null])
        #expect(root["t"]?.bool == true)
        #expect(root["f"]?.bool == false)
        #expect(root["n"]?.bool == nil)
        #expect(root["s"]?.string?.isEmpty == true)
        #expect(root["missing"] == nil)
        #expect(root["a"]?["o"] == nil)
    }

    @Test func `members and elements keep their order and hold their own children`() throws {
        let root = try parse(#"{"z": [1, [2, 3], {"a": 4}], "a": 5}"#).root
        #expect(root.members.map(\.key.string) == ["z", "a"])
        let elements = try #require(root["z"]).elements
        #expect(
            elements.map { String(decoding: $0.text, as: UTF8.self) } == [
                "1", "[2, 3]", #"{"a": 4}"#,
            ])
        #expect(elements[1].elements.map { $0.integer(Int.self) } == [2, 3])
        #expect(elements[2]["a"]?.integer(Int.self) == 4)
        #expect(elements[0].elements.isEmpty && elements[0].members.isEmpty)
    }

    static let strings: [(text: String, value: String)] = [
        (#""""#, ""),
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (#""\u0041\u00e9\u20AC""#, "Aé€"),
        (#""\ud83d\ude00""#, "😀"),
        (#""\uD83D\uDE00x""#, "😀x"),
        (#""\ud800\udc00\udbff\udfff""#, "\u{10000}\u{10ffff}"),
        (#""é€😀""#, "é€😀"),
        (#""\u0000""#, "\0"),
        (#""\uffff""#, "\u{ffff}"),
        (#""\\u0041""#, "\\u0041"),
        (
            "\"\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}\"",
            "\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}"
        ),
    ]

    @Test(arguments: strings)
    func `a string says what its escapes stand for`(_ row: (text: String, value: String)) throws {
        let value = try parse(row.text).root
        #expect(value.string.map { Array($0.utf8) } == Array(row.value.utf8))
    }

    static let integers: [(text: String, signed: Int64?, unsigned: UInt64?, narrow: UInt32?)] = [
        ("0", 0, 0, 0), ("1", 1, 1, 1), ("-1", -1, nil, nil), ("-0", 0, 0, 0),
        ("4294967295", 4_294_967_295, 4_294_967_295, 4_294_967_295),
        ("4294967296", 4_294_967_296, 4_294_967_296, nil),
        ("9223372036854775807", .max, 9_223_372_036_854_775_807, nil),
        ("9223372036854775808", nil, 9_223_372_036_854_775_808, nil),
        ("-9223372036854775808", .min, nil, nil),
        ("18446744073709551615", nil, .max, nil), ("18446744073709551616", nil, nil, nil),
        ("1e3", nil, nil, nil), ("1E0", nil, nil, nil), ("1.0", nil, nil, nil),
        ("1.5", nil, nil, nil), ("-1e-3", nil, nil, nil), ("\"1\"", nil, nil, nil),
        ("true", nil, nil, nil), ("null", nil, nil, nil),
        ("100000000000000000000000000000000000000000", nil, nil, nil),
    ]

    @Test(arguments: integers)
    func `a whole number is one in digits that fits`(
        _ row: (text: String, signed: Int64?, unsigned: UInt64?, narrow: UInt32?)
    ) throws {
        let value = try parse(row.text).root
        #expect(value.integer(Int64.self) == row.signed)
        #expect(value.integer(UInt64.self) == row.unsigned)
        #expect(value.integer(UInt32.self) == row.narrow)
    }

    @Test(arguments: ["0", "-0", "10", "0.5", "1e3", "1E+3", "1e-3", "-12.34e56"])
    func `numbers of the grammar are read`(_ text: String) throws {
        #expect(try parse(text).root.kind == .number)
    }

    @Test func `space is allowed between all tokens`() throws {
        let root = try parse(" \t\r\n{ \"a\" \n:\t[ 1 , 2 ]\r, \"b\":{ } } \n").root
        #expect(root["a"]?.elements.count == 2)
        #expect(root["b"]?.members.isEmpty == true)
    }
}
