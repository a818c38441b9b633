/// One value of a document.
public struct JSONValue: Sendable {
    public enum Kind: UInt8, Sendable {
        case object, array, string, number, `true`, `false`, null

        /// The word for it in a message: `an object`.
        public var words: String {
            switch self {
            case .object: "an object"
            case .array: "an array"
            case .string: "a string"
            case .number: "a number"
            case .true, .false: "a boolean"
            case .null: "null"
            }
        }
    }

    public let document: JSONDocument
    let index: Int

    private var node: JSONDocument.Node { document.nodes[index] }

    public var kind: Kind { node.kind }

    /// Offset of its first byte in the text.
    public var offset: Int { Int(node.start) }

    /// Its bytes in the text, as written.
    public var text: ArraySlice<UInt8> { document.bytes[Int(node.start)..<Int(node.end)] }

    /// The string, nil when it is not one.
    public var string: String? {
        guard node.kind == .string else { return nil }
        if !node.hasEscapes {
            return String(
                decoding: document.bytes[Int(node.start) + 1..<Int(node.end) - 1], as: UTF8.self)
        }
        return String(decoding: JSONString.decode(node, document.bytes), as: UTF8.self)
    }

    /// The boolean, nil when it is not one.
    public var bool: Bool? {
        switch node.kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// The whole number, nil when it is not one written in digits or does not fit.
    @inlinable
    public func integer<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
        guard let (magnitude, isNegative) = wholeNumber else { return nil }
        if !isNegative { return Number(exactly: magnitude) }
        // The smallest one has no positive counterpart.
        guard magnitude <= UInt64(1) << 63 else { return nil }
        return Number(exactly: Int64(truncatingIfNeeded: 0 &- magnitude))
    }

    /// Not generic: read in one piece, whatever it is to become.
    @usableFromInline
    var wholeNumber: (magnitude: UInt64, isNegative: Bool)? {
        guard node.kind == .number else { return nil }
        var digits = text
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        var magnitude: UInt64 = 0
        for byte in digits {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (shifted, isTooLarge) = magnitude.multipliedReportingOverflow(by: 10)
            let (next, isBeyond) = shifted.addingReportingOverflow(UInt64(byte - 0x30))
            if isTooLarge || isBeyond { return nil }
            magnitude = next
        }
        return (magnitude, isNegative)
    }

    /// The elements of an array, nothing for another kind.
    public var elements: [JSONValue] {
        guard node.kind == .array else { return [] }
        var found: [JSONValue] = []
        found.reserveCapacity(Int(node.count))
        var child = index + 1
        let end = Int(node.next)
        while child < end {
            found.append(JSONValue(document: document, index: child))
            child = Int(document.nodes[child].next)
        }
        return found
    }

    /// The members of an object in their order, nothing for another kind.
    public var members: [(key: JSONValue, value: JSONValue)] {
        guard node.kind == .object else { return [] }
        var found: [(key: JSONValue, value: JSONValue)] = []
        found.reserveCapacity(Int(node.count))
        var child = index + 1
        let end = Int(node.next)
        while child < end {
            found.append(
                (
                    JSONValue(document: document, index: child),
                    JSONValue(document: document, index: child + 1)
                ))
            child = Int(document.nodes[child + 1].next)
        }
        return found
    }

    /// Visits the members of an object in their order.
    public func forEachMember(_ body: (_ key: JSONValue, _ value: JSONValue) -> Void) {
        guard node.kind == .object else { return }
        var child = index + 1
        let end = Int(node.next)
        while child < end {
            body(
                JSONValue(document: document, index: child),
                JSONValue(document: document, index: child + 1))
            child = Int(document.nodes[child + 1].next)
        }
    }

    /// The number of bytes of a string in the text, without its quotation marks.
    public var length: Int { Int(node.end) - Int(node.start) - 2 }

    /// Whether it is the string `word`, without making one of it.
    public func says(_ word: StaticString) -> Bool {
        let bytes = unsafe UnsafeBufferPointer(
            start: word.utf8Start, count: word.utf8CodeUnitCount)
        return unsafe node.kind == .string && document.matches(index, bytes)
    }

    /// The two elements of an array that has two; nil for anything else.
    public var pair: (JSONValue, JSONValue)? {
        guard node.kind == .array, node.count == 2 else { return nil }
        return (
            JSONValue(document: document, index: index + 1),
            JSONValue(document: document, index: Int(document.nodes[index + 1].next))
        )
    }

    /// The value under `key`, nil when there is none; of several the last.
    public subscript(key: String) -> JSONValue? {
        guard node.kind == .object else { return nil }
        var key = key
        return key.withUTF8 { key in
            var found: JSONValue?
            var child = index + 1
            let end = Int(node.next)
            while child < end {
                if unsafe document.matches(child, key) {
                    found = JSONValue(document: document, index: child + 1)
                }
                child = Int(document.nodes[child + 1].next)
            }
            return found
        }
    }
}

extension JSONValue {
    /// The value of the last member whose key is `key` in any case of its ASCII letters.
    public func member(anyCase key: String) -> JSONValue? {
        guard node.kind == .object else { return nil }
        var key = key
        return key.withUTF8 { key in
            var found: JSONValue?
            var child = index + 1
            let end = Int(node.next)
            while child < end {
                if unsafe document.matchesAnyCase(child, key) {
                    found = JSONValue(document: document, index: child + 1)
                }
                child = Int(document.nodes[child + 1].next)
            }
            return found
        }
    }
}

extension JSONDocument {
    /// Whether the string node, which has no escapes, says `key` but for the case of letters.
    fileprivate func matchesAnyCase(_ index: Int, _ key: UnsafeBufferPointer<UInt8>) -> Bool {
        let node = nodes[index]
        guard !node.hasEscapes, Int(node.end - node.start) - 2 == key.count else { return false }
        let start = Int(node.start) + 1
        return unsafe bytes.withUnsafeBufferPointer { text in
            for offset in 0..<key.count {
                let (one, other) = unsafe (text[start + offset], key[offset])
                if one == other { continue }
                let letter = one | 0x20
                if letter != other | 0x20 || letter < UInt8(ascii: "a")
                    || letter > UInt8(ascii: "z")
                {
                    return false
                }
            }
            return true
        }
    }

    /// Whether the string node says `key`.
    fileprivate func matches(_ index: Int, _ key: UnsafeBufferPointer<UInt8>) -> Bool {
        let node = nodes[index]
        if node.hasEscapes {
            return unsafe JSONString.decode(node, bytes).elementsEqual(key)
        }
        guard Int(node.end - node.start) - 2 == key.count else { return false }
        let start = Int(node.start) + 1
        return unsafe bytes.withUnsafeBufferPointer { text in
            for offset in 0..<key.count {
                if unsafe text[start + offset] != key[offset] { return false }
            }
            return true
        }
    }
}
