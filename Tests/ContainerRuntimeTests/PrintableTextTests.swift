import JSON
import LinuxSystem
import Testing

/// Text that an image, a container or another user has chosen, on its way to a terminal.
struct PrintableTextTests {
    private static let scalars = (0...0xffff).compactMap { Unicode.Scalar(UInt32($0)) }

    @Test(arguments: [
        ("\u{1b}]0;owned\u{7}", "\\x1b]0;owned\\x07"), ("a\u{9b}31mb", "a\\x9b31mb"),
        ("one\ntwo\r\tthree\u{7f}", "one\\ntwo\\r\\tthree\\x7f"),
        ("txt.\u{202e}exe\u{2066}", "txt.\\u202eexe\\u2066"), ("a\u{2028}b", "a\\u2028b"),
        ("Käse 🧀 “plain”", "Käse 🧀 “plain”"),
    ])
    func `what a terminal would obey is shown as an escape`(_ text: String, _ shown: String) {
        #expect(text.printable == shown)
    }

    @Test func `bytes that are no UTF-8 are replaced`() {
        let text = String(decoding: [0x61, 0x9b, 0xff, 0x62] as [UInt8], as: UTF8.self)
        #expect(text.printable == "a\u{fffd}\u{fffd}b")
    }

    @Test func `lines stay lines where they may`() {
        #expect("a\tb\n\u{1b}c\n".printableLines == "a\tb\n\\x1bc\n")
    }

    @Test func `JSON escapes all of it too, and stays the same string`() throws {
        for scalar in PrintableTextTests.scalars where scalar.isObeyedByTerminals {
            let text = JSONOutput.string(String(scalar)).compactText
            #expect(text.utf8.allSatisfy { (0x20..<0x7f).contains($0) })
            #expect(try JSONDocument(Array(text.utf8)).root.string == String(scalar))
        }
    }

    @Test func `what is long keeps its start and its end`() {
        let text = "start " + String(repeating: "ä", count: 40_000) + " reason"
        for limit in 100..<110 {
            let short = text.shortened(to: limit)
            #expect(short.utf8.count <= limit && short.utf8.count > limit - 4)
            #expect(short.hasPrefix("start ä") && short.hasSuffix("ä reason"))
            #expect(short.contains("ä…ä"))
        }
        #expect("short".shortened(to: 5) == "short")
    }

    @Test func `escapes do not make it longer than it may be`() {
        let text = String(repeating: "\u{1b}", count: 70_000).printable(upTo: 4096)
        #expect(text.utf8.count <= 4096 && text.hasPrefix("\\x1b") && text.hasSuffix("\\x1b"))
    }
}
