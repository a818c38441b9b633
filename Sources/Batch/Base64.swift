/// RFC 4648, the standard alphabet with padding.
enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, letter) in alphabet.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count - index)
            var group = UInt32(bytes[index]) << 16
            if count > 1 { group |= UInt32(bytes[index + 1]) << 8 }
            if count > 2 { group |= UInt32(bytes[index + 2]) }
            for position in 0..<4 {
                text.append(
                    position > count
                        ? 0x3d : alphabet[Int(group >> UInt32(18 - 6 * position) & 63)])
            }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil for text that is not of this form. Line ends are not allowed.
    static func decode(_ text: String) -> [UInt8]? {
        let letters = Array(text.utf8)
        if letters.count % 4 != 0 { return nil }
        let padding = letters.suffix(2).count { $0 == 0x3d }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(letters.count / 4 * 3)
        var group: UInt32 = 0
        for (index, letter) in letters.enumerated() {
            let isPadding = index >= letters.count - padding
            let value = isPadding ? 0 : values[Int(letter)]
            if value == 255 || isPadding && letter != 0x3d { return nil }
            group = group << 6 | UInt32(value)
            if index % 4 == 3 {
                bytes += [UInt8(group >> 16 & 255), UInt8(group >> 8 & 255), UInt8(group & 255)]
            }
        }
        let surplus = bytes.suffix(padding)
        // Bits that mean nothing are zero, so that one text stands for these bytes.
        if !surplus.allSatisfy({ $0 == 0 }) { return nil }
        bytes.removeLast(padding)
        return bytes
    }
}
