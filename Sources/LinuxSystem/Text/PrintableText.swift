/// Text for people, made of bytes that an image, a container or another user has chosen: a terminal
/// displays it and obeys nothing in it, and its length has a bound.
extension String {
    /// One line: every scalar that a terminal may obey is replaced by its escape, the end of a line
    /// too. Bytes that were no UTF-8 are U+FFFD in every `String`.
    public var printable: String { escaped { $0.isObeyedByTerminals } }

    /// The same, for a text of several lines: line feeds and tabs stay.
    public var printableLines: String {
        escaped { $0.isObeyedByTerminals && $0 != "\n" && $0 != "\t" }
    }

    /// At most `limit` bytes. What is longer keeps its start and its end, where the reason and the
    /// advice of a message stand, with `…` in between.
    public func shortened(to limit: Int = .longestMessage) -> String {
        if utf8.count <= limit { return self }
        let mark = "…"
        let bytes = Array(utf8)
        var end = (limit - mark.utf8.count) / 4 * 3
        var start = bytes.count - (limit - mark.utf8.count - end)
        while end > 0 && bytes[end].continuesScalar { end -= 1 }
        while start < bytes.count && bytes[start].continuesScalar { start += 1 }
        return String(decoding: bytes[..<end], as: UTF8.self) + mark
            + String(decoding: bytes[start...], as: UTF8.self)
    }

    /// One printable line with a bound. A long text is cut before it is looked at.
    public func printable(upTo limit: Int) -> String {
        shortened(to: limit).printable.shortened(to: limit)
    }

    private func escaped(_ isEscaped: (Unicode.Scalar) -> Bool) -> String {
        // As a rule there is nothing to replace: bytes are looked at faster than scalars.
        if !utf8.contains(where: \.mayStartControl) { return self }
        var text = ""
        text.reserveCapacity(utf8.count)
        for scalar in unicodeScalars {
            if isEscaped(scalar) {
                text += scalar.escape
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension Int {
    /// The most bytes of a name inside a message.
    public static var longestName: Int { 1024 }
    /// The most bytes of one message, and of one line of a listing.
    public static var longestMessage: Int { 4096 }
}

extension Unicode.Scalar {
    /// Whether a terminal may take it for more than a letter: the controls C0, DEL and C1, the ends
    /// of lines and paragraphs, and what changes the direction of the text around it.
    public var isObeyedByTerminals: Bool {
        switch value {
        case 0..<0x20, 0x7f..<0xa0: true
        case 0x061c, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: true
        default: false
        }
    }

    /// As C and Swift write it: `\n`, `\x1b`, `\u202e`.
    fileprivate var escape: String {
        switch self {
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default:
            let digits = String(value, radix: 16)
            let width = value < 0x100 ? 2 : 4
            let zeros = String(repeating: "0", count: width - digits.count)
            return (width == 2 ? "\\x" : "\\u") + zeros + digits
        }
    }
}

extension UInt8 {
    /// Whether a scalar that `isObeyedByTerminals` may start with it in UTF-8.
    fileprivate var mayStartControl: Bool {
        self < 0x20 || self == 0x7f || self == 0xc2 || self == 0xd8 || self == 0xe2
    }

    fileprivate var continuesScalar: Bool { self & 0xc0 == 0x80 }
}
