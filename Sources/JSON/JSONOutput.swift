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

    /// On one line, without spaces: as scripts know it from other runtimes.
    public var compactText: String {
        var text = ""
        write(to: &text, indentation: nil)
        return text
    }

    /// Four spaces a level, a newline at the end. An array of strings that fits on a line stays
    /// on one.
    public var prettyText: String {
        var text = ""
        write(to: &text, indentation: 0)
        return text + "\n"
    }

    private func write(to text: inout String, indentation: Int?) {
        switch self {
        case .object(let members):
            let colon = indentation == nil ? ":" : ": "
            let parts = members.map { (label: $0.key.quoted + colon, value: $0.value) }
            write(parts, "{", "}", to: &text, indentation: indentation)
        case .array(let elements):
            if indentation != nil, let short = shortArray { return text += short }
            write(elements.map { ("", $0) }, "[", "]", to: &text, indentation: indentation)
        case .string(let string): text += string.quoted
        case .integer(let number): text += String(number)
        case .unsigned(let number): text += String(number)
        case .thousandths(let number):
            let fraction = String(number.magnitude % 1000)
            let zeros = String(repeating: "0", count: 3 - fraction.count)
            text += (number < 0 ? "-" : "") + "\(number.magnitude / 1000).\(zeros)\(fraction)"
        case .bool(let bool): text += bool ? "true" : "false"
        case .null: text += "null"
        }
    }

    private func write(
        _ parts: [(label: String, value: JSONOutput)], _ open: String, _ close: String,
        to text: inout String, indentation: Int?
    ) {
        text += open
        let inner = indentation.map { $0 + 4 }
        for (position, part) in parts.enumerated() {
            if position > 0 { text += "," }
            if let inner { text += "\n" + String(repeating: " ", count: inner) }
            text += part.label
            part.value.write(to: &text, indentation: inner)
        }
        if let indentation, !parts.isEmpty {
            text += "\n" + String(repeating: " ", count: indentation)
        }
        text += close
    }

    private var shortArray: String? {
        guard case .array(let elements) = self else { return nil }
        var parts: [String] = []
        for element in elements {
            guard case .string(let string) = element else { return nil }
            parts.append(string.quoted)
        }
        let text = "[" + parts.joined(separator: ", ") + "]"
        return text.utf8.count <= 72 ? text : nil
    }
}

extension String {
    /// The JSON string.
    fileprivate var quoted: String {
        var text = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\r": text += "\\r"
            // Also the control characters beyond ASCII that affect a terminal: a reader of JSON gets
            // the same string.
            case "\u{0}"..<" ", "\u{7f}"..<"\u{a0}", "\u{61c}", "\u{200e}"..."\u{200f}",
                "\u{2028}"..."\u{202e}", "\u{2066}"..."\u{2069}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
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
