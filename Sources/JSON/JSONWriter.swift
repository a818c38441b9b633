/// Writes values as bytes. A config of a sandbox is written for each start: characters would be looked
/// up one by one.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    /// Of a value behind those of its parts.
    private(set) var sources: [JSONSource] = []

    /// - Parameter indentation: Of the line that the value begins on; nil: everything on one line.
    mutating func write(_ value: JSONOutput, indentation: Int?) {
        switch value {
        case .object(let members):
            write(members.count, "{", "}", indentation) { writer, index, inner in
                writer.write(quoted: members[index].key)
                writer.write(indentation == nil ? ":" : ": ")
                writer.write(members[index].value, indentation: inner)
            }
        case .array(let elements):
            if indentation != nil, writeShort(elements) { return }
            write(elements.count, "[", "]", indentation) { writer, index, inner in
                writer.write(elements[index], indentation: inner)
            }
        case .string(let string): write(quoted: string)
        case .integer(let number): write(String(number))
        case .unsigned(let number): write(String(number))
        case .thousandths(let number):
            let fraction = String(number.magnitude % 1000)
            let zeros = String(repeating: "0", count: 3 - fraction.count)
            write((number < 0 ? "-" : "") + "\(number.magnitude / 1000).\(zeros)\(fraction)")
        case .bool(let bool): write(bool ? "true" : "false")
        case .null: write("null")
        case .sourced(let words, let value):
            let start = bytes.count
            write(value, indentation: indentation)
            sources.append(JSONSource(start: start, end: bytes.count, words: words))
        }
    }

    private mutating func write(_ text: String) { bytes += text.utf8 }

    private mutating func write(
        _ count: Int, _ open: String, _ close: String, _ indentation: Int?,
        part: (inout JSONWriter, Int, Int?) -> Void
    ) {
        write(open)
        let inner = indentation.map { $0 + 4 }
        for index in 0..<count {
            if index > 0 { write(",") }
            startLine(inner)
            part(&self, index, inner)
        }
        if count > 0 { startLine(indentation) }
        write(close)
    }

    private mutating func startLine(_ indentation: Int?) {
        guard let indentation else { return }
        write("\n")
        bytes += repeatElement(UInt8(ascii: " "), count: indentation)
    }

    /// An array of strings on one line, where it fits.
    private mutating func writeShort(_ elements: [JSONOutput]) -> Bool {
        let isText = elements.allSatisfy { if case .string = $0 { true } else { false } }
        guard isText else { return false }
        let start = bytes.count
        write("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { write(", ") }
            write(element, indentation: nil)
            if bytes.count - start > 72 { break }
        }
        write("]")
        if bytes.count - start <= 72 { return true }
        bytes.removeLast(bytes.count - start)
        return false
    }

    private mutating func write(quoted string: String) {
        bytes.append(UInt8(ascii: "\""))
        let isPlain = string.utf8.allSatisfy {
            $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        if isPlain {
            bytes += string.utf8
        } else {
            for scalar in string.unicodeScalars { write(scalar) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func write(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": write("\\\"")
        case "\\": write("\\\\")
        case "\n": write("\\n")
        case "\t": write("\\t")
        case "\r": write("\\r")
        // Also the control characters beyond ASCII that affect a terminal: a reader of JSON gets
        // the same string.
        case "\u{0}"..<" ", "\u{7f}"..<"\u{a0}", "\u{61c}", "\u{200e}"..."\u{200f}",
            "\u{2028}"..."\u{202e}", "\u{2066}"..."\u{2069}":
            let digits = String(scalar.value, radix: 16)
            write("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
        default: bytes += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
        }
    }
}

/// A part of a written text, and the words of a command line that it comes from.
struct JSONSource: Sendable {
    /// Offset of the first byte.
    var start: Int
    /// Offset behind the last byte.
    var end: Int
    var words: String
}
