internal import DBus
internal import LinuxSystem

/// Reads values in GVariant's text notation, as far as properties of units need it: booleans,
/// numbers, text, arrays and tuples of these, with a type before them (`uint64 5`, `@as []`) or
/// without.
struct VariantText {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    mutating func whole() throws(Failure) -> DBusValue {
        let found = try value(depth: 0)
        skipSpace()
        if position != bytes.count { throw Failure("unexpected text after the value") }
        return found
    }

    private mutating func value(depth: Int) throws(Failure) -> DBusValue {
        if depth > 16 { throw Failure("is nested too deeply") }
        skipSpace()
        switch peek {
        case "[": return try array(nil, depth)
        case "(": return .structure(try list("(", ")", depth))
        case "'", "\"": return .string(try text())
        case "@":
            position += 1
            let type = String(take { $0 != " " })
            skipSpace()
            if type.hasPrefix("a"), peek == "[" {
                return try array(String(type.dropFirst()), depth)
            }
            return try convert(try value(depth: depth + 1), type)
        default: return try word(depth)
        }
    }

    /// A number, a boolean, or the name of a type and what has it.
    private mutating func word(_ depth: Int) throws(Failure) -> DBusValue {
        let word = String(take { $0.isLetter || $0.isNumber || "+-._".contains($0) })
        if word == "true" { return .bool(true) }
        if word == "false" { return .bool(false) }
        if let type = VariantText.types[word] {
            return try convert(try value(depth: depth + 1), type)
        }
        if let number = Int32(word) { return .int32(number) }
        // A number too large for the default type has the next larger one.
        if let number = Int64(word) { return .int64(number) }
        if let number = UInt64(word) { return .uint64(number) }
        if word.contains(where: { ".eE".contains($0) }), let number = Double(word), number.isFinite
        {
            return .double(number)
        }
        throw Failure("a value is missing; write text in quotes")
    }

    private mutating func array(_ type: String?, _ depth: Int) throws(Failure) -> DBusValue {
        var elements = try list("[", "]", depth)
        if let type {
            for index in elements.indices { elements[index] = try convert(elements[index], type) }
            return .array(of: type, elements)
        }
        guard let first = elements.first else {
            throw Failure("is an empty array of no type; write @as []")
        }
        // A type before the first element is that of all.
        for index in elements.indices {
            elements[index] = try convert(elements[index], first.signature)
        }
        return .array(of: first.signature, elements)
    }

    private mutating func list(
        _ open: Character, _ close: Character, _ depth: Int
    ) throws(Failure) -> [DBusValue] {
        position += 1
        var found: [DBusValue] = []
        while true {
            skipSpace()
            if peek == close { break }
            found.append(try value(depth: depth + 1))
            skipSpace()
            if peek == "," {
                position += 1
            } else if peek != close {
                throw Failure("has a \(open) that is not closed")
            }
        }
        position += 1
        return found
    }

    private mutating func text() throws(Failure) -> String {
        let quote = bytes[position]
        position += 1
        var found: [UInt8] = []
        while position < bytes.count, bytes[position] != quote {
            if bytes[position] == UInt8(ascii: "\\"), position + 1 < bytes.count { position += 1 }
            found.append(bytes[position])
            position += 1
        }
        if position == bytes.count { throw Failure("has text that is not closed") }
        position += 1
        return String(decoding: found, as: UTF8.self)
    }

    // MARK: Types

    private static let types = [
        "boolean": "b", "byte": "y", "int16": "n", "uint16": "q", "int32": "i", "uint32": "u",
        "int64": "x", "uint64": "t", "double": "d", "string": "s", "objectpath": "o",
        "signature": "g",
    ]

    private func convert(_ value: DBusValue, _ type: String) throws(Failure) -> DBusValue {
        if value.signature == type { return value }
        if type == "v" { return .variant(value) }
        let found: DBusValue? =
            switch (value, type) {
            case (.string(let text), "o"): .objectPath(text)
            case (.string(let text), "g"): .signature(text)
            case (.int32(let number), _): VariantText.number(number, type)
            case (.int64(let number), _): VariantText.number(number, type)
            case (.uint64(let number), _): VariantText.number(number, type)
            default: nil
            }
        guard let found else { throw Failure("does not fit its type, \(type)") }
        return found
    }

    private static func number(_ number: some FixedWidthInteger, _ type: String) -> DBusValue? {
        switch type {
        case "y": UInt8(exactly: number).map(DBusValue.byte)
        case "n": Int16(exactly: number).map(DBusValue.int16)
        case "q": UInt16(exactly: number).map(DBusValue.uint16)
        case "i": Int32(exactly: number).map(DBusValue.int32)
        case "u": UInt32(exactly: number).map(DBusValue.uint32)
        case "x": Int64(exactly: number).map(DBusValue.int64)
        case "t": UInt64(exactly: number).map(DBusValue.uint64)
        case "d": .double(Double(number))
        default: nil
        }
    }

    // MARK: Bytes

    private var peek: Character? {
        position < bytes.count ? Character(Unicode.Scalar(bytes[position])) : nil
    }

    private mutating func skipSpace() { _ = take { $0 == " " || $0 == "\t" || $0 == "\n" } }

    private mutating func take(while matches: (Character) -> Bool) -> Substring {
        var found = ""
        while let character = peek, matches(character) {
            found.append(character)
            position += 1
        }
        return found[...]
    }
}
