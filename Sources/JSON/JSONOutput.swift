/// A value to be written as JSON.
public indirect enum JSONOutput: Sendable {
    case object([(key: String, value: JSONOutput)])
    case array([JSONOutput])
    case string(String)
    case integer(Int64)
    case unsigned(UInt64)
    /// Three digits after the point: microseconds of nanoseconds.
    case thousandths(Int64)
    case bool(Bool)
    case null
    /// A value that comes from words of a command line, which are not part of the text: `-m 256m`.
    case sourced(String, JSONOutput)

    /// On one line, without spaces: as scripts know it from other runtimes.
    public var compactText: String {
        var writer = JSONWriter()
        writer.write(self, indentation: nil)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Four spaces a level, a newline at the end. An array of strings that fits on a line stays
    /// on one.
    public var prettyText: String {
        var writer = JSONWriter()
        writer.write(self, indentation: 0)
        return String(decoding: writer.bytes, as: UTF8.self) + "\n"
    }

    /// The text as a document that knows whose words its values come from.
    public var document: JSONDocument {
        get throws(JSONSyntaxError) {
            var writer = JSONWriter()
            writer.write(self, indentation: nil)
            return try JSONDocument(writer.bytes, sources: writer.sources)
        }
    }
}

extension JSONOutput {
    public static func strings(_ strings: [String]) -> JSONOutput { .array(strings.map(string)) }
}

extension JSONOutput: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSONOutput...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONOutput)...) {
        self = .object(elements.map { ($0.0, $0.1) })
    }
}

extension JSONOutput {
    /// A parsed value, to be written again; a number that is not an integer becomes null.
    public init(_ value: JSONValue) {
        switch value.kind {
        case .object:
            self = .object(value.members.map { ($0.key.string ?? "", JSONOutput($0.value)) })
        case .array: self = .array(value.elements.map(JSONOutput.init))
        case .string: self = .string(value.string ?? "")
        case .number:
            self =
                value.integer(Int64.self).map(JSONOutput.integer)
                ?? value.integer(UInt64.self).map(JSONOutput.unsigned) ?? .null
        case .true, .false: self = .bool(value.kind == .true)
        case .null: self = .null
        }
    }
}
