import Testing

/// docs/report.schema.json, as far as it uses JSON Schema: type, enum, minimum, maximum, required,
/// properties, additionalProperties and items.
struct ReportSchema {
    static let shared = ReportSchema()
    private let root: Value

    private init() {
        let text = Host.read(Host.repository + "/docs/report.schema.json")
        root = (try? Value(parsing: text)) ?? .null
    }

    /// Records what is wrong with a report: also a key that the schema does not describe.
    func check(_ report: Value, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try #require(root["properties"].object != nil, "the schema cannot be read")
        for sentence in problems(report, root, "") {
            Issue.record(Comment(rawValue: sentence), sourceLocation: sourceLocation)
        }
    }

    private func problems(_ value: Value, _ schema: Value, _ path: String) -> [String] {
        var found: [String] = []
        let types = schema["type"].array ?? [schema["type"]]
        if !types.contains(.string(ReportSchema.type(value))) {
            return ["\(path): \(value.text) is not of the type \(schema["type"].text)"]
        }
        if let allowed = schema["enum"].array, !allowed.contains(value) {
            found.append("\(path): \(value.text) is not allowed")
        }
        if let number = value.integer {
            if let least = schema["minimum"].integer, number < least {
                found.append("\(path): \(number) is too small")
            }
            if let most = schema["maximum"].integer, number > most {
                found.append("\(path): \(number) is too large")
            }
        }
        for (index, element) in (value.array ?? []).enumerated() {
            found += problems(element, schema["items"], "\(path)[\(index)]")
        }
        guard let members = value.object else { return found }
        for key in schema["required"].array ?? [] where members[key.string ?? ""] == nil {
            found.append("\(path): \(key.text) is missing")
        }
        for (key, member) in members {
            let known = schema["properties"].object?[key] ?? schema["additionalProperties"]
            if known == .null {
                found.append("\(path).\(key) is not described")
            } else {
                found += problems(member, known, "\(path).\(key)")
            }
        }
        return found
    }

    private static func type(_ value: Value) -> String {
        switch value {
        case .object: "object"
        case .array: "array"
        case .string: "string"
        case .integer: "integer"
        case .thousandths: "number"
        case .bool: "boolean"
        case .null: "null"
        }
    }
}
