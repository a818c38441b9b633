/// A message of protocol buffers, as far as CRIU's interface needs them: numbers, flags, texts, and
/// messages in messages (protobuf.dev, "Encoding").
struct ProtocolBuffer {
    private(set) var bytes: [UInt8] = []

    /// Of a field: its number and how long its value is.
    private enum Wire: UInt64 {
        case number = 0
        case fixed64 = 1
        case bytes = 2
        case fixed32 = 5
    }

    mutating func add(_ field: Int, _ number: Int64) {
        add(tag: field, .number)
        add(variable: UInt64(bitPattern: number))
    }

    mutating func add(_ field: Int, _ flag: Bool) { add(field, flag ? 1 : 0) }

    mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }

    mutating func add(_ field: Int, _ message: ProtocolBuffer) { add(field, message.bytes) }

    private mutating func add(_ field: Int, _ content: [UInt8]) {
        add(tag: field, .bytes)
        add(variable: UInt64(content.count))
        bytes += content
    }

    private mutating func add(tag field: Int, _ wire: Wire) {
        add(variable: UInt64(field) << 3 | wire.rawValue)
    }

    /// Seven bits a byte, the lowest first; all but the last have the highest bit.
    private mutating func add(variable number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

extension ProtocolBuffer {
    /// A field that was read.
    enum Value: Equatable {
        case number(Int64)
        case bytes([UInt8])

        var number: Int64? { if case .number(let number) = self { number } else { nil } }
        var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
        var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
    }

    /// Reads a message. Of a field that comes more than once the last one counts.
    ///
    /// - Returns: Nil for bytes that are no message.
    static func read(_ bytes: [UInt8]) -> [Int: Value]? {
        var found: [Int: Value] = [:]
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let tag = variable(&rest), let wire = Wire(rawValue: tag & 7) else { return nil }
            let field = Int(truncatingIfNeeded: tag >> 3)
            switch wire {
            case .number:
                guard let number = variable(&rest) else { return nil }
                found[field] = .number(Int64(bitPattern: number))
            case .bytes:
                guard let count = variable(&rest), count <= UInt64(rest.count) else { return nil }
                found[field] = .bytes(Array(rest.prefix(Int(count))))
                rest = rest.dropFirst(Int(count))
            case .fixed64, .fixed32:
                let count = wire == .fixed64 ? 8 : 4
                if rest.count < count { return nil }
                rest = rest.dropFirst(count)
            }
        }
        return found
    }

    private static func variable(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            number |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return number }
        }
        return nil
    }
}
