/// Reads values from the bytes of a peer: every length is checked before it is
/// believed.
struct DBusReader {
    private let bytes: ArraySlice<UInt8>
    private let isBigEndian: Bool
    /// From the first byte.
    private(set) var position = 0

    init(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) {
        self.bytes = bytes
        self.isBigEndian = isBigEndian
    }

    var isAtEnd: Bool { position == bytes.count }

    /// The values of all types of a signature.
    mutating func read(_ signature: String) throws(DBusError) -> [DBusValue] {
        var types = DBusSignature(signature)
        var values: [DBusValue] = []
        while !types.isAtEnd { values.append(try value(try types.next(), depth: 0)) }
        return values
    }

    mutating func align(_ boundary: Int) throws(DBusError) {
        while position % boundary != 0 {
            if try byte() != 0 { throw .malformed("padding is not zero") }
        }
    }

    // MARK: Values

    private mutating func value(_ type: String, depth: Int) throws(DBusError) -> DBusValue {
        // Variants in variants make their signatures as they go.
        if depth > 64 { throw .malformed("it is nested too deeply") }
        switch type.utf8.first {
        case UInt8(ascii: "y"): return .byte(try byte())
        case UInt8(ascii: "b"):
            let number = try number(UInt32.self)
            if number > 1 { throw .malformed("a boolean is \(number)") }
            return .bool(number == 1)
        case UInt8(ascii: "n"): return .int16(try number())
        case UInt8(ascii: "q"): return .uint16(try number())
        case UInt8(ascii: "i"): return .int32(try number())
        case UInt8(ascii: "u"): return .uint32(try number())
        case UInt8(ascii: "h"): return .descriptor(try number())
        case UInt8(ascii: "x"): return .int64(try number())
        case UInt8(ascii: "t"): return .uint64(try number())
        case UInt8(ascii: "d"): return .double(Double(bitPattern: try number()))
        case UInt8(ascii: "s"): return .string(try text(Int(try number(UInt32.self))))
        case UInt8(ascii: "o"): return .objectPath(try text(Int(try number(UInt32.self))))
        case UInt8(ascii: "g"): return .signature(try text(Int(try byte())))
        case UInt8(ascii: "v"): return .variant(try variant(depth))
        case UInt8(ascii: "a"): return try array(String(type.dropFirst()), depth)
        default: return try members(type, depth)
        }
    }

    private mutating func variant(_ depth: Int) throws(DBusError) -> DBusValue {
        let signature = try text(Int(try byte()))
        var types = DBusSignature(signature)
        let type = try types.next()
        if !types.isAtEnd { throw .malformed("a variant has more than one type") }
        return try value(type, depth: depth + 1)
    }

    private mutating func array(_ element: String, _ depth: Int) throws(DBusError) -> DBusValue {
        let length = Int(try number(UInt32.self))
        try align(DBusValue.alignment(element))
        guard length <= bytes.count - position else {
            throw .malformed("an array of \(length) bytes is longer than the message")
        }
        let end = position + length
        var values: [DBusValue] = []
        while position < end { values.append(try value(element, depth: depth + 1)) }
        if position != end { throw .malformed("an array ends in the middle of an element") }
        return .array(of: element, values)
    }

    /// A structure, or an entry of a dictionary.
    private mutating func members(_ type: String, _ depth: Int) throws(DBusError) -> DBusValue {
        try align(8)
        var types = DBusSignature(String(type.dropFirst().dropLast()))
        var values: [DBusValue] = []
        while !types.isAtEnd { values.append(try value(try types.next(), depth: depth + 1)) }
        if type.hasPrefix("(") { return .structure(values) }
        guard values.count == 2 else { throw .malformed("an entry is no pair") }
        return .entry(values[0], values[1])
    }

    // MARK: Bytes

    private mutating func byte() throws(DBusError) -> UInt8 {
        guard position < bytes.count else { throw .malformed("it ends too early") }
        position += 1
        return bytes[bytes.startIndex + position - 1]
    }

    private mutating func number<Number: FixedWidthInteger>(
        _ type: Number.Type = Number.self
    ) throws(DBusError) -> Number {
        let size = Number.bitWidth / 8
        try align(size)
        var found: Number = 0
        for index in 0..<size {
            let shift = 8 * (isBigEndian ? size - 1 - index : index)
            found |= Number(truncatingIfNeeded: try byte()) << shift
        }
        return found
    }

    /// With the NUL behind it, and none in it.
    private mutating func text(_ length: Int) throws(DBusError) -> String {
        guard length < bytes.count - position else {
            throw .malformed("a text of \(length) bytes is longer than the message")
        }
        let start = bytes.startIndex + position
        let content = bytes[start..<start + length]
        position += length
        if try byte() != 0 || content.contains(0) { throw .malformed("a text is not closed") }
        return String(decoding: content, as: UTF8.self)
    }
}
