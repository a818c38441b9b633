/// A text of the kernel's as it was read, of which only what is wanted becomes a string: a table of
/// mounts has many lines, and a start reads it for one.
struct KernelText {
    private let bytes: [UInt8]

    struct Part {
        fileprivate var start: Int
        fileprivate var end: Int

        var isEmpty: Bool { start == end }
    }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Without the newlines.
    var lines: [Part] {
        fields(Part(start: 0, end: bytes.count), UInt8(ascii: "\n")).filter { !$0.isEmpty }
    }

    /// Its words, separated by blanks and newlines.
    var words: [String] {
        var found: [String] = []
        for line in lines {
            for word in fields(line, UInt8(ascii: " ")) where !word.isEmpty {
                found.append(string(word))
            }
        }
        return found
    }

    /// - Parameter limit: The last one goes to the end, separators or not.
    func fields(_ part: Part, _ separator: UInt8, atMost limit: Int = .max) -> [Part] {
        var found: [Part] = []
        var start = part.start
        var position = start
        while position < part.end {
            if bytes[position] == separator, found.count + 1 < limit {
                found.append(Part(start: start, end: position))
                start = position + 1
            }
            position += 1
        }
        found.append(Part(start: start, end: part.end))
        return found
    }

    func string(_ part: Part) -> String {
        String(decoding: bytes[part.start..<part.end], as: UTF8.self)
    }

    /// The rest behind the first `word` of a part; nil where it does not occur.
    func end(of word: StaticString, in part: Part) -> Part? {
        var rest = part
        while rest.end - rest.start >= word.utf8CodeUnitCount {
            if self.part(rest, begins: word) {
                return Part(start: rest.start + word.utf8CodeUnitCount, end: rest.end)
            }
            rest.start += 1
        }
        return nil
    }

    func part(_ part: Part, begins word: StaticString) -> Bool {
        guard part.end - part.start >= word.utf8CodeUnitCount else { return false }
        return word.withUTF8Buffer { wanted in
            var index = 0
            while index < wanted.count {
                if unsafe bytes[part.start + index] != wanted[index] { return false }
                index += 1
            }
            return true
        }
    }

    /// Without the octal escapes of a table of mounts: `\040` is a space.
    func unescaped(_ part: Part) -> String {
        var found: [UInt8] = []
        var position = part.start
        while position < part.end {
            if bytes[position] == UInt8(ascii: "\\"), let code = octal(position + 1, part.end) {
                found.append(code)
                position += 4
            } else {
                found.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: found, as: UTF8.self)
    }

    private func octal(_ start: Int, _ end: Int) -> UInt8? {
        if end - start < 3 { return nil }
        return UInt8(String(decoding: bytes[start..<start + 3], as: UTF8.self), radix: 8)
    }
}
