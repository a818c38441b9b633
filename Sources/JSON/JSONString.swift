/// The bytes that a string of the text stands for.
enum JSONString {
    /// UTF-8, with escapes resolved. The parser has checked them.
    static func decode(_ node: JSONDocument.Node, _ bytes: [UInt8]) -> [UInt8] {
        let body = bytes[Int(node.start) + 1..<Int(node.end) - 1]
        if !node.hasEscapes { return Array(body) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(body.count)
        var index = body.startIndex
        while index < body.endIndex {
            let byte = body[index]
            index += 1
            guard byte == UInt8(ascii: "\\") else {
                decoded.append(byte)
                continue
            }
            let escape = body[index]
            index += 1
            switch escape {
            case UInt8(ascii: "b"): decoded.append(0x08)
            case UInt8(ascii: "f"): decoded.append(0x0c)
            case UInt8(ascii: "n"): decoded.append(0x0a)
            case UInt8(ascii: "r"): decoded.append(0x0d)
            case UInt8(ascii: "t"): decoded.append(0x09)
            case UInt8(ascii: "u"):
                var value = hex(body, &index)
                if value >= 0xd800 && value < 0xdc00 {
                    index += 2
                    value = 0x10000 + (value - 0xd800) << 10 + (hex(body, &index) - 0xdc00)
                }
                if let scalar = Unicode.Scalar(value) {
                    decoded.append(contentsOf: Array(String(Character(scalar)).utf8))
                }
            default: decoded.append(escape)
            }
        }
        return decoded
    }

    private static func hex(_ body: ArraySlice<UInt8>, _ index: inout Int) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            value = value << 4 | (body[index].hexValue ?? 0)
            index += 1
        }
        return value
    }
}
