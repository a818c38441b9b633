/// A recursive-descent parser that fills the node list of a `JSONDocument`.
struct JSONParser {
    /// Deeper nesting is an error: nothing a runtime reads needs it, and the stack is finite.
    static let maximumDepth = 128
    /// In bytes. Offsets are 32 bits.
    static let maximumSize = 64 << 20

    private let bytes: [UInt8]
    private var offset = 0
    private(set) var nodes: [JSONDocument.Node] = []
    private(set) var duplicates: [Int] = []

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        nodes.reserveCapacity(bytes.count / 12 + 8)
    }

    mutating func parse() throws(JSONSyntaxError) {
        if bytes.count > JSONParser.maximumSize {
            throw error("the text is larger than \(JSONParser.maximumSize >> 20) MiB")
        }
        skipSpace()
        try parseValue(depth: 0)
        skipSpace()
        if offset < bytes.count { throw error("more text after the end of the document") }
    }

    // MARK: Values

    private mutating func parseValue(depth: Int) throws(JSONSyntaxError) {
        guard offset < bytes.count else { throw error("the text ends where a value is expected") }
        switch bytes[offset] {
        case UInt8(ascii: "{"): try parseObject(depth: depth)
        case UInt8(ascii: "["): try parseArray(depth: depth)
        case UInt8(ascii: "\""): try parseString()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try parseNumber()
        case UInt8(ascii: "t"): try parseWord("true", .true)
        case UInt8(ascii: "f"): try parseWord("false", .false)
        case UInt8(ascii: "n"): try parseWord("null", .null)
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            throw error("expected a value, found \(found); remove a superfluous ',' before it")
        default: throw error("expected a value, found \(found)")
        }
    }

    private mutating func parseObject(depth: Int) throws(JSONSyntaxError) {
        let index = try open(.object, depth: depth)
        var count = 0
        var areEscaped = false
        skipSpace()
        if !take("}") {
            repeat {
                skipSpace()
                guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
                    throw error("expected a key in double quotes, found \(found)")
                }
                count += 1
                try parseString()
                areEscaped = areEscaped || nodes[nodes.count - 1].hasEscapes
                skipSpace()
                guard take(":") else { throw error("expected ':' after a key, found \(found)") }
                skipSpace()
                try parseValue(depth: depth + 1)
                skipSpace()
            } while take(",")
            guard take("}") else {
                throw error("expected ',' or '}' after a member, found \(found)")
            }
        }
        close(index, count: count)
        if count < 2 { return }
        areEscaped || count > 64 ? compareDecodedKeys(of: index) : compareKeys(of: index)
    }

    private mutating func parseArray(depth: Int) throws(JSONSyntaxError) {
        let index = try open(.array, depth: depth)
        var count = 0
        skipSpace()
        if !take("]") {
            repeat {
                skipSpace()
                try parseValue(depth: depth + 1)
                count += 1
                skipSpace()
            } while take(",")
            guard take("]") else {
                throw error("expected ',' or ']' after an element, found \(found)")
            }
        }
        close(index, count: count)
    }

    private mutating func open(
        _ kind: JSONValue.Kind, depth: Int
    ) throws(JSONSyntaxError) -> Int {
        if depth >= JSONParser.maximumDepth {
            throw error("nested deeper than \(JSONParser.maximumDepth) levels")
        }
        nodes.append(JSONDocument.Node(kind: kind, start: UInt32(offset)))
        offset += 1
        return nodes.count - 1
    }

    private mutating func close(_ index: Int, count: Int) {
        nodes[index].end = UInt32(offset)
        nodes[index].next = UInt32(nodes.count)
        nodes[index].count = UInt32(count)
    }

    private mutating func leaf(_ kind: JSONValue.Kind, from start: Int, hasEscapes: Bool = false) {
        nodes.append(
            JSONDocument.Node(
                kind: kind, hasEscapes: hasEscapes, start: UInt32(start), end: UInt32(offset),
                next: UInt32(nodes.count + 1)))
    }

    private mutating func parseWord(
        _ word: StaticString, _ kind: JSONValue.Kind
    ) throws(JSONSyntaxError) {
        let start = offset
        for scalar in word.description.utf8 {
            guard offset < bytes.count, bytes[offset] == scalar else {
                offset = start
                throw error("expected a value, found \(found)")
            }
            offset += 1
        }
        leaf(kind, from: start)
    }

    private mutating func parseNumber() throws(JSONSyntaxError) {
        let start = offset
        _ = take("-")
        if take("0") {
            if digit { throw error("a number cannot start with 0") }
        } else {
            try takeDigits()
        }
        // The usual case.
        if offset < bytes.count, bytes[offset] == 0x2c || bytes[offset] == 0x5d {
            return leaf(.number, from: start)
        }
        if take(".") { try takeDigits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try takeDigits()
        }
        leaf(.number, from: start)
    }

    private var digit: Bool {
        offset < bytes.count && bytes[offset] >= 0x30 && bytes[offset] <= 0x39
    }

    private mutating func takeDigits() throws(JSONSyntaxError) {
        guard digit else { throw error("expected a digit, found \(found)") }
        while digit { offset += 1 }
    }

    // MARK: Strings

    private mutating func parseString() throws(JSONSyntaxError) {
        let start = offset
        var hasEscapes = false
        offset += 1
        while true {
            passPlain()
            guard offset < bytes.count else { break }
            let byte = bytes[offset]
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                leaf(.string, from: start, hasEscapes: hasEscapes)
                return
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try parseEscape()
            case 0..<0x20:
                throw error("a control character in a string must be written as \\u00\(hex(byte))")
            default:
                try parseUTF8()
            }
        }
        offset = start
        throw error("an unterminated string")
    }

    /// Passes over what means itself in a string, eight bytes at a time.
    private mutating func passPlain() {
        offset = unsafe bytes.withUnsafeBytes { text in
            var index = offset
            while index + 8 <= text.count {
                let word = UInt64(
                    littleEndian: unsafe text.loadUnaligned(
                        fromByteOffset: index, as: UInt64.self))
                let special = EightBytes.special(in: word)
                if special != 0 { return index + special.trailingZeroBitCount / 8 }
                index += 8
            }
            while index < text.count, unsafe EightBytes.isPlain(text[index]) { index += 1 }
            return index
        }
    }

    private mutating func parseEscape() throws(JSONSyntaxError) {
        let start = offset
        offset += 1
        guard offset < bytes.count else { throw error("the text ends inside a string") }
        switch bytes[offset] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            offset += 1
        case UInt8(ascii: "u"):
            offset += 1
            let first = try takeHex()
            if first >= 0xdc00 && first < 0xe000 {
                offset = start
                throw error("an unpaired surrogate")
            }
            if first >= 0xd800 && first < 0xdc00 {
                guard take("\\"), take("u"), (0xdc00..<0xe000).contains(try takeHex()) else {
                    offset = start
                    throw error("an unpaired surrogate")
                }
            }
        default:
            offset = start
            throw error("an unknown escape")
        }
    }

    private mutating func takeHex() throws(JSONSyntaxError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard offset < bytes.count, let digit = bytes[offset].hexValue else {
                throw error("expected four hexadecimal digits after \\u")
            }
            value = value << 4 | digit
            offset += 1
        }
        return value
    }

    /// One character of two to four bytes: no overlong form, no surrogate, nothing past U+10FFFF.
    private mutating func parseUTF8() throws(JSONSyntaxError) {
        let first = bytes[offset]
        let (length, lowest): (Int, UInt32) =
            switch first {
            case 0xc2..<0xe0: (2, 0x80)
            case 0xe0..<0xf0: (3, 0x800)
            case 0xf0..<0xf5: (4, 0x10000)
            default: (0, 0)
            }
        guard length > 0, offset + length <= bytes.count else { throw error("not UTF-8") }
        var scalar = UInt32(first) & (0xff >> UInt32(length + 1))
        for index in 1..<length {
            guard bytes[offset + index] & 0xc0 == 0x80 else { throw error("not UTF-8") }
            scalar = scalar << 6 | UInt32(bytes[offset + index] & 0x3f)
        }
        guard scalar >= lowest, Unicode.Scalar(scalar) != nil else { throw error("not UTF-8") }
        offset += length
    }

    // MARK: The rest

    /// Notes the keys that stand a second time in an object.
    private mutating func compareKeys(of object: Int) {
        let end = Int(nodes[object].next)
        // By their lengths and first letters most are seen to be none of those before.
        var seen: UInt64 = 0
        var key = object + 1
        while key < end {
            let node = nodes[key]
            let mark = (node.end - node.start) &* 8 &+ UInt32(bytes[Int(node.start) + 1])
            let bit: UInt64 = 1 << UInt64(mark & 63)
            if seen & bit != 0, stands(key, in: object) { duplicates.append(key) }
            seen |= bit
            key = Int(nodes[key + 1].next)
        }
    }

    /// The same for many keys, or ones that may be written in several ways.
    private mutating func compareDecodedKeys(of object: Int) {
        var seen: Set<[UInt8]> = []
        var key = object + 1
        while key < Int(nodes[object].next) {
            if !seen.insert(JSONString.decode(nodes[key], bytes)).inserted {
                duplicates.append(key)
            }
            key = Int(nodes[key + 1].next)
        }
    }

    /// Whether a key stands in its object before.
    private func stands(_ key: Int, in object: Int) -> Bool {
        var earlier = object + 1
        while earlier < key {
            if sameBytes(nodes[earlier], nodes[key]) { return true }
            earlier = Int(nodes[earlier + 1].next)
        }
        return false
    }

    private func sameBytes(_ one: JSONDocument.Node, _ other: JSONDocument.Node) -> Bool {
        guard one.end - one.start == other.end - other.start else { return false }
        return bytes[Int(one.start)..<Int(one.end)]
            .elementsEqual(bytes[Int(other.start)..<Int(other.end)])
    }

    @inline(__always)
    private mutating func skipSpace() {
        // Where a program wrote it, there is none.
        if offset < bytes.count && bytes[offset] > 0x20 { return }
        skipSpaces()
    }

    private mutating func skipSpaces() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0a, 0x0d, 0x09: offset += 1
            default: return
            }
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    /// The text at the offset, for a message.
    private var found: String {
        guard offset < bytes.count else { return "the end of the text" }
        let byte = bytes[offset]
        guard byte > 0x20, byte < 0x7f else { return "the byte 0x\(hex(byte))" }
        return "'\(Character(Unicode.Scalar(byte)))'"
    }

    private func error(_ message: String) -> JSONSyntaxError {
        JSONSyntaxError(
            offset: offset, message: message, position: JSONPosition(of: offset, in: bytes))
    }
}

/// Bytes of a text, looked at together.
private enum EightBytes {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highest: UInt64 = 0x8080_8080_8080_8080

    /// Has its lowest bit in the first byte that does not mean itself in a string: a quotation
    /// mark, a backslash, a control character, a part of a longer character.
    static func special(in word: UInt64) -> UInt64 {
        let control = (word &- ones &* 0x20) & ~word
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5c)
        return (control | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | word)
            & highest
    }

    static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5c
    }
}

/// Two hexadecimal digits.
private func hex(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
}

extension UInt8 {
    var hexValue: UInt32? {
        switch self {
        case 0x30...0x39: UInt32(self) - 0x30
        case 0x41...0x46: UInt32(self) - 0x41 + 10
        case 0x61...0x66: UInt32(self) - 0x61 + 10
        default: nil
        }
    }
}
