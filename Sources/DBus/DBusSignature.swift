/// The types of a signature, one by one.
struct DBusSignature {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { position == bytes.count }

    /// The next complete type: `a(sv)` as a whole.
    ///
    /// - Throws: For what is none; what is nested deeper than the specification allows is none
    ///   either.
    mutating func next() throws(DBusError) -> String {
        let start = position
        try skip(depth: 0)
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func skip(depth: Int) throws(DBusError) {
        guard depth < 32, position < bytes.count else {
            throw .malformed("a signature is cut off or nested too deeply")
        }
        let letter = bytes[position]
        position += 1
        switch letter {
        case UInt8(ascii: "a") where isNext("{"):
            position += 1
            try skip(depth: depth + 1)
            try skip(depth: depth + 1)
            try take("}")
        case UInt8(ascii: "a"): try skip(depth: depth + 1)
        case UInt8(ascii: "("):
            repeat { try skip(depth: depth + 1) } while !isNext(")")
            try take(")")
        default:
            if !Array("ybnqiuxtdsoghv".utf8).contains(letter) {
                throw .malformed("a signature has an unknown type")
            }
        }
    }

    private func isNext(_ letter: Unicode.Scalar) -> Bool {
        position < bytes.count && bytes[position] == UInt8(ascii: letter)
    }

    private mutating func take(_ letter: Unicode.Scalar) throws(DBusError) {
        if !isNext(letter) { throw .malformed("a signature is not closed") }
        position += 1
    }
}
