/// Puts values into bytes, little-endian (D-Bus specification, "Marshalling").
struct DBusWriter {
    private(set) var bytes: [UInt8] = []

    mutating func align(_ boundary: Int) {
        while bytes.count % boundary != 0 { bytes.append(0) }
    }

    mutating func write(_ value: DBusValue) {
        switch value {
        case .byte(let byte): bytes.append(byte)
        case .bool(let bool): write(UInt32(bool ? 1 : 0))
        case .int16(let number): write(number)
        case .uint16(let number): write(number)
        case .int32(let number): write(number)
        case .uint32(let number), .descriptor(let number): write(number)
        case .int64(let number): write(number)
        case .uint64(let number): write(number)
        case .double(let number): write(number.bitPattern)
        case .string(let text), .objectPath(let text):
            write(UInt32(text.utf8.count))
            bytes += text.utf8
            bytes.append(0)
        case .signature(let text): writeSignature(text)
        case .array(let element, let values): writeArray(element, values)
        case .structure(let members):
            align(8)
            for member in members { write(member) }
        case .entry(let key, let value):
            align(8)
            write(key)
            write(value)
        case .variant(let inner):
            writeSignature(inner.signature)
            write(inner)
        }
    }

    private mutating func write(_ number: some FixedWidthInteger) {
        align(number.bitWidth / 8)
        for shift in stride(from: 0, to: number.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    private mutating func writeSignature(_ text: String) {
        bytes.append(UInt8(text.utf8.count))
        bytes += text.utf8
        bytes.append(0)
    }

    /// Its length does not count what aligns the first element.
    private mutating func writeArray(_ element: String, _ values: [DBusValue]) {
        write(UInt32(0))
        let place = bytes.count - 4
        align(DBusValue.alignment(element))
        let start = bytes.count
        for value in values { write(value) }
        let length = UInt32(bytes.count - start)
        for index in 0..<4 {
            bytes[place + index] = UInt8(truncatingIfNeeded: length >> (8 * index))
        }
    }
}

extension DBusValue {
    /// Where a value of this type begins: at a multiple of so many bytes.
    static func alignment(_ signature: String) -> Int {
        switch signature.utf8.first {
        case UInt8(ascii: "y"), UInt8(ascii: "g"), UInt8(ascii: "v"): 1
        case UInt8(ascii: "n"), UInt8(ascii: "q"): 2
        case UInt8(ascii: "x"), UInt8(ascii: "t"), UInt8(ascii: "d"), UInt8(ascii: "("),
            UInt8(ascii: "{"):
            8
        default: 4
        }
    }
}
