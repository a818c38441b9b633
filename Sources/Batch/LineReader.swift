/// Lines of a stream, of which no more is kept than one line and what was read with it.
struct LineReader {
    /// The longest line, in bytes, without its end.
    static let longest = 16 << 20
    /// How much is read at once.
    static let chunk = 65536

    enum Line {
        case text([UInt8])
        /// Longer than `longest`; the rest of it is passed over.
        case tooLong
    }

    private var bytes: [UInt8] = []
    /// The first byte that is not taken, and the first that was not looked at.
    private var start = 0
    private var seen = 0
    /// Whether the rest of a line that is too long is passed over.
    private var isSkipping = false
    /// Of the last line that was taken, from 1.
    private(set) var number = 0
    /// Whether nothing more will come.
    private(set) var hasEnded = false

    mutating func add(_ more: [UInt8]) {
        if start > 0 {
            bytes.removeSubrange(..<start)
            seen -= start
            start = 0
        }
        bytes += more
    }

    /// Whether nothing was read that is not taken.
    var isEmpty: Bool { start == bytes.count }

    mutating func end() { hasEnded = true }

    /// The next line, complete; nil where more has to come first. Blank lines are counted and passed
    /// over.
    mutating func next() -> Line? {
        while let line = nextLine() {
            if case .text(let text) = line, text.allSatisfy(\.isSpace) { continue }
            return line
        }
        return nil
    }

    private mutating func nextLine() -> Line? {
        while true {
            let end = bytes[seen...].firstIndex(of: 0x0a)
            if end == nil && hasEnded && start < bytes.count && !isSkipping {
                defer { (start, seen) = (bytes.count, bytes.count) }
                number += 1
                return .text(Array(bytes[start...]))
            }
            guard let end else {
                seen = bytes.count
                if isSkipping {
                    start = seen
                    return nil
                }
                if bytes.count - start <= LineReader.longest { return nil }
                start = seen
                isSkipping = true
                number += 1
                return .tooLong
            }
            defer { (start, seen) = (end + 1, end + 1) }
            if isSkipping {
                isSkipping = false
                continue
            }
            number += 1
            if end - start > LineReader.longest { return .tooLong }
            return .text(Array(bytes[start..<end]))
        }
    }
}

extension UInt8 {
    fileprivate var isSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0d }
}
