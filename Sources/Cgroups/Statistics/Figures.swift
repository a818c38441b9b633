internal import JSON

/// An object without the members that are zero.
struct Figures {
    private var members: [(key: String, value: JSONOutput)] = []

    var json: JSONOutput { .object(members) }
    var isEmpty: Bool { members.isEmpty }

    mutating func add(_ key: String, _ number: UInt64?) {
        if let number, number != 0 { members.append((key, .unsigned(number))) }
    }

    mutating func add(_ key: String, _ numbers: [UInt64]) {
        if !numbers.isEmpty { members.append((key, .array(numbers.map(JSONOutput.unsigned)))) }
    }

    mutating func add(_ key: String, _ value: JSONOutput?) {
        if let value { members.append((key, value)) }
    }

    mutating func addAlways(_ key: String, _ number: UInt64?) {
        members.append((key, .unsigned(number ?? 0)))
    }

    /// Nil when nothing of it is counted.
    static func memory(
        limit: UInt64?, usage: UInt64, most: UInt64? = nil, failures: UInt64? = nil
    ) -> JSONOutput? {
        if [limit, usage, most, failures].allSatisfy({ $0 ?? 0 == 0 }) { return nil }
        var figures = Figures()
        figures.addAlways("limit", limit)
        figures.add("usage", usage)
        figures.add("max", most)
        figures.addAlways("failcnt", failures)
        return figures.json
    }

    /// One figure of a device, `8:0`.
    static func entry(_ device: Substring, _ operation: String, _ value: UInt64?) -> JSONOutput {
        let numbers = device.split(separator: ":").map { UInt64($0) ?? 0 }
        var figures = Figures()
        figures.add("major", numbers.first)
        figures.add("minor", numbers.last)
        if !operation.isEmpty { figures.add("op", .string(operation)) }
        figures.add("value", value)
        return figures.json
    }

    /// `12.34`, or a whole number.
    static func decimal(_ text: Substring) -> JSONOutput {
        let parts = text.split(separator: ".")
        guard parts.count == 2, parts[1].count == 2, let whole = Int64(parts[0]),
            let hundredths = Int64(parts[1])
        else { return .unsigned(UInt64(text) ?? 0) }
        return .thousandths(whole * 1000 + hundredths * 10)
    }
}
