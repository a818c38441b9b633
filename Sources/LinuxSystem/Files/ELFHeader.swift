/// The head of a program's file, as far as it tells whether a loader is needed.
public struct ELFHeader {
    /// The loader of a dynamic program.
    public let interpreter: String?

    public var isStatic: Bool { interpreter == nil }

    /// - Returns: Nil for what is no 64-bit little-endian ELF file, or whose program headers lie behind
    ///   `head`.
    public init?(_ head: [UInt8]) {
        guard head.count >= 64, head.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else {
            return nil
        }
        func number(_ offset: Int, _ size: Int) -> Int? {
            guard offset >= 0, offset <= head.count - size else { return nil }
            let value = head[offset..<offset + size].reversed().reduce(UInt64(0)) {
                $0 << 8 | UInt64($1)
            }
            return Int(exactly: value)
        }
        guard let table = number(32, 8), let size = number(54, 2), let count = number(56, 2) else {
            return nil
        }
        var found: String?
        for index in 0..<count {
            guard table < head.count else { return nil }
            let entry = table + index * size
            guard let kind = number(entry, 4) else { return nil }
            guard kind == 3, let start = number(entry + 8, 8), start < head.count else { continue }
            found = String(decoding: head[start...].prefix { $0 != 0 }, as: UTF8.self)
            break
        }
        interpreter = found
    }
}
