internal import LinuxSystem
internal import SystemPackage

/// Messages between the batch process and a slot: a length, a number, and bytes.
enum Frame {
    static let headSize = 16

    static func head(_ count: Int, _ number: Int) -> [UInt8] {
        var head: [UInt8] = []
        head.reserveCapacity(headSize)
        for value in [UInt64(count), UInt64(number)] {
            for shift in 0..<8 {
                head.append(UInt8(truncatingIfNeeded: value >> UInt64(shift * 8)))
            }
        }
        return head
    }

    static func read(_ head: ArraySlice<UInt8>) -> (count: Int, number: Int) {
        func value(_ bytes: ArraySlice<UInt8>) -> Int {
            Int(truncatingIfNeeded: bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
        return (value(head.prefix(8)), value(head.dropFirst(8).prefix(8)))
    }
}

/// Collects the bytes of messages.
struct FrameReader {
    private var bytes: [UInt8] = []

    /// - Returns: False at the end of the stream.
    mutating func fill(from stream: FileDescriptor) throws(Errno) -> Bool {
        guard let more = try stream.readSome(1 << 18) else { return true }
        if more.isEmpty { return false }
        bytes += more
        return true
    }

    mutating func next() -> (number: Int, bytes: [UInt8])? {
        if bytes.count < Frame.headSize { return nil }
        let (count, number) = Frame.read(bytes[...])
        let end = Frame.headSize + count
        if count < 0 || bytes.count < end { return nil }
        let message = Array(bytes[Frame.headSize..<end])
        bytes.removeSubrange(..<end)
        return (number, message)
    }
}
