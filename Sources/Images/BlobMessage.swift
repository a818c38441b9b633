internal import Archives

/// The messages of the process that reads.
enum BlobMessage {
    /// The next slot holds that many bytes; so many of the blob were read; whether it is not
    /// compressed.
    case filled(count: Int, consumed: Int64, isPlain: Bool)
    /// All of it was read.
    case ended(Digest, size: Int64)
    case failed(String)

    init?(_ bytes: [UInt8]) {
        switch bytes.first {
        case 1 where bytes.count == 18:
            self = .filled(
                count: Int(BlobMessage.number(bytes[1..<9])),
                consumed: BlobMessage.number(bytes[9..<17]), isPlain: bytes[17] == 1)
            guard case .filled(let count, _, _) = self, count >= 0, count <= BlobStream.slotSize
            else { return nil }
        case 2 where bytes.count == 73:
            guard let digest = Digest(hexadecimal: bytes[9...]) else { return nil }
            self = .ended(digest, size: BlobMessage.number(bytes[1..<9]))
        case 3: self = .failed(String(decoding: bytes.dropFirst(), as: UTF8.self))
        default: return nil
        }
    }

    var bytes: [UInt8] {
        switch self {
        case .filled(let count, let consumed, let isPlain):
            [1] + BlobMessage.bytes(Int64(count)) + BlobMessage.bytes(consumed)
                + [isPlain ? 1 : 0]
        case .ended(let digest, let size):
            [2] + BlobMessage.bytes(size) + Array(digest.hexadecimal.utf8)
        case .failed(let words): [3] + Array(words.utf8.prefix(4000))
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
        bytes.reduce(0) { $0 << 8 | Int64($1) }
    }

    private static func bytes(_ number: Int64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }
}
