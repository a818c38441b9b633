import JSON

/// A JSON value that tests write as literals and change in place: a config.json on its way in,
/// the probe's facts on their way out.
enum Value: Sendable, Hashable {
    case object([String: Value])
    case array([Value])
    case string(String)
    case integer(Int64)
    /// A number with three decimals, as the times of a trace.
    case thousandths(Int64)
    case bool(Bool)
    case null

    init(parsing text: String) throws {
        self.init(try JSONDocument(Array(text.utf8)).root)
    }

    private init(_ value: JSONValue) {
        switch value.kind {
        case .object:
            let pairs = value.members.map { ($0.key.string ?? "", Value($0.value)) }
            self = .object(Dictionary(pairs) { $1 })
        case .array: self = .array(value.elements.map(Value.init))
        case .string: self = .string(value.string ?? "")
        case .number:
            self =
                value.integer(Int64.self).map(Value.integer)
                ?? Value.thousandths(of: value.text).map(Value.thousandths) ?? .null
        case .true, .false: self = .bool(value.kind == .true)
        case .null: self = .null
        }
    }

    private static func thousandths(of text: ArraySlice<UInt8>) -> Int64? {
        let parts = String(decoding: text, as: UTF8.self).split(separator: ".")
        return parts.count == 2 && parts[1].count == 3 ? Int64(parts.joined()) : nil
    }

    /// On one line, keys in order.
    var text: String { output.compactText }

    /// One member a line, as people write it.
    var prettyText: String { output.prettyText }

    private var output: JSONOutput {
        switch self {
        case .object(let members):
            .object(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value.output) })
        case .array(let elements): .array(elements.map(\.output))
        case .string(let string): .string(string)
        case .integer(let number): .integer(number)
        case .thousandths(let number): .thousandths(number)
        case .bool(let bool): .bool(bool)
        case .null: .null
        }
    }
}

extension Value {
    /// The member under `key`, null when there is none. Assigning null takes it out.
    subscript(key: String) -> Value {
        get {
            guard case .object(let members) = self else { return .null }
            return members[key] ?? .null
        }
        set {
            var members = object ?? [:]
            members[key] = newValue == .null ? nil : newValue
            self = .object(members)
        }
    }

    subscript(index: Int) -> Value {
        get { array.flatMap { $0.indices.contains(index) ? $0[index] : nil } ?? .null }
        set {
            guard var elements = array, elements.indices.contains(index) else { return }
            elements[index] = newValue
            self = .array(elements)
        }
    }

    mutating func append(_ element: Value) {
        self = .array((array ?? []) + [element])
    }

    var object: [String: Value]? {
        if case .object(let members) = self { members } else { nil }
    }
    var array: [Value]? {
        if case .array(let elements) = self { elements } else { nil }
    }
    var string: String? {
        if case .string(let string) = self { string } else { nil }
    }
    var integer: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }
    var bool: Bool? {
        if case .bool(let bool) = self { bool } else { nil }
    }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
    ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int64) { self = .integer(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(arrayLiteral elements: Value...) { self = .array(elements) }
    init(nilLiteral: ()) { self = .null }
    init(dictionaryLiteral elements: (String, Value)...) {
        self = .object(Dictionary(elements) { $1 })
    }
}

extension Value {
    init(_ strings: [String]) { self = .array(strings.map(Value.string)) }
}
