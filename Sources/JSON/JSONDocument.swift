/// A parsed JSON text (RFC 8259) that keeps the place of every value.
///
/// The text is parsed once into a flat list of nodes in document order. Strings and numbers are
/// decoded from the text when they are read. Duplicate keys are not an error of the text; they are
/// listed for the reader.
public final class JSONDocument: Sendable {
    /// A value; the nodes of its parts follow in the list.
    struct Node: Sendable {
        var kind: JSONValue.Kind
        /// For a string: it has a `\` in it.
        var hasEscapes = false
        /// Offset of the first byte.
        var start: UInt32
        /// Offset behind the last byte.
        var end: UInt32 = 0
        /// Index of the first node that is not inside this one.
        var next: UInt32 = 0
        /// For an array its elements, for an object its members.
        var count: UInt32 = 0
    }

    /// The text, in UTF-8.
    public let bytes: [UInt8]
    let nodes: [Node]
    /// The keys that stand a second time in their object, as values of kind string.
    let duplicates: [Int]

    /// Of a text that a command line stands for.
    private let sources: [JSONSource]

    /// Parses `bytes`.
    ///
    /// - Throws: The first thing that is not JSON.
    public convenience init(_ bytes: [UInt8]) throws(JSONSyntaxError) {
        try self.init(bytes, sources: [])
    }

    init(_ bytes: [UInt8], sources: [JSONSource]) throws(JSONSyntaxError) {
        var parser = JSONParser(bytes)
        try parser.parse()
        self.bytes = bytes
        nodes = parser.nodes
        duplicates = parser.duplicates
        self.sources = sources
    }

    public var root: JSONValue { JSONValue(document: self, index: 0) }

    /// The keys that stand a second time in their object.
    public var duplicateKeys: [JSONValue] {
        duplicates.map { JSONValue(document: self, index: $0) }
    }

    /// Line and column of a byte.
    public func position(of offset: Int) -> JSONPosition {
        JSONPosition(of: offset, in: bytes)
    }

    /// The words of a command line that the value, or the key, at `offset` comes from: `-m 256m`. Empty
    /// for a part of such a text that no word asks for, nil for a text that was read from a file.
    public func words(at offset: Int) -> String? {
        // The parts of a value stand before it.
        sources.first { $0.start <= offset && offset < $0.end }?.words
    }

    /// The starts of lines, for many positions.
    public var lines: JSONLines { JSONLines(bytes) }

    /// The way from the root to the value, or the key, at `offset`: `process.args[0]`.
    public func path(to offset: Int) -> String {
        var path = ""
        var index = 0
        descend: while Int(nodes[index].start) != offset {
            let container = nodes[index]
            var child = index + 1
            var position = 0
            while child < Int(container.next) {
                var label = "[\(position)]"
                if container.kind == .object {
                    let key = JSONValue(document: self, index: child)
                    label = JSONDocument.label(key.string ?? "", first: path.isEmpty)
                    if Int(nodes[child].start) == offset { return path + label }
                    child += 1
                }
                if offset < Int(nodes[child].end) {
                    path += label
                    index = child
                    continue descend
                }
                child = Int(nodes[child].next)
                position += 1
            }
            break
        }
        return path
    }

    private static func label(_ key: String, first: Bool) -> String {
        let plain = !key.isEmpty && key.utf8.allSatisfy { $0.isWordByte }
        if !plain { return "[\(JSONOutput.string(key).compactText)]" }
        return first ? key : "." + key
    }
}

extension UInt8 {
    /// A letter, a digit, `_` or `-`.
    fileprivate var isWordByte: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f, 0x2d: true
        default: false
        }
    }
}

/// A place in a text, counted from 1; columns count characters (Unicode scalars).
public struct JSONPosition: Sendable, Hashable {
    public var line: Int
    public var column: Int

    init(of offset: Int, in bytes: [UInt8]) {
        line = 1
        column = 1
        for byte in bytes[..<min(offset, bytes.count)] {
            if byte == 0x0a {
                line += 1
                column = 1
            } else if byte & 0xc0 != 0x80 {
                column += 1
            }
        }
    }
}

/// The lines of a text.
public struct JSONLines: Sendable {
    /// Offsets of the first byte of each line.
    private let starts: [Int]

    init(_ bytes: [UInt8]) {
        starts = [0] + bytes.indices.filter { bytes[$0] == 0x0a }.map { $0 + 1 }
    }

    /// The line, from 1, that the byte at `offset` is in.
    public func line(of offset: Int) -> Int {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        return low + 1
    }
}

/// A text that is not JSON.
public struct JSONSyntaxError: Error, Sendable, Hashable {
    /// Offset of the byte that could not be there.
    public var offset: Int
    /// The error, in lower case: `expected ',' or '}' after a value`.
    public var message: String
    public var position: JSONPosition
}
