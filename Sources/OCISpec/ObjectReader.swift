internal import JSON

/// Reads one object of the document. Errors go to the diagnostics, and the reader continues with the
/// other members.
struct ObjectReader {
    let value: JSONValue
    let diagnostics: Diagnostics

    var offset: Int { value.offset }

    /// A reader of `value`; nil with a diagnostic if it is not an object.
    init?(_ value: JSONValue, _ diagnostics: Diagnostics) {
        self.value = value
        self.diagnostics = diagnostics
        if value.kind != .object {
            diagnostics.error("\(value.shown) is not an object", at: value.offset)
            return nil
        }
    }

    // MARK: Members

    /// The member `key`; null counts as missing, as in the decoders of Go.
    func member(_ key: String, required: Bool = false) -> JSONValue? {
        diagnostics.recorder?.note(value, key, .any, required: required)
        // The decoders of Go, and so runc, take a key in any case.
        if let found = value[key] ?? value.member(anyCase: key), found.kind != .null {
            return found
        }
        if required { reportMissing(key) }
        return nil
    }

    func string(_ key: String, required: Bool = false) -> Located<String>? {
        diagnostics.recorder?.note(value, key, .string)
        return member(key, required: required).flatMap(string)
    }

    func bool(_ key: String) -> Located<Bool>? {
        diagnostics.recorder?.note(value, key, .bool)
        guard let found = member(key) else { return nil }
        if let bool = found.bool { return Located(bool, at: found.offset) }
        diagnostics.error(
            "\(found.shown) is not a boolean; write true or false", at: found.offset)
        return nil
    }

    func integer<Number: FixedWidthInteger>(
        _ key: String, _ type: Number.Type, required: Bool = false
    ) -> Located<Number>? {
        diagnostics.recorder?.note(value, key, .integer(type))
        return member(key, required: required).flatMap { integer($0, type) }
    }

    /// A word from a fixed list.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: String, _ type: Choice.Type, required: Bool = false
    ) -> Located<Choice>? {
        diagnostics.recorder?.note(value, key, .word(type))
        return member(key, required: required).flatMap { choice($0, type) }
    }

    func object(_ key: String, required: Bool = false) -> ObjectReader? {
        diagnostics.recorder?.note(value, key, .object)
        return member(key, required: required).flatMap { ObjectReader($0, diagnostics) }
    }

    /// The elements of an array, each read by `read`; unreadable elements are left out.
    func array<Element>(
        _ key: String, required: Bool = false, _ read: (JSONValue) -> Element?
    ) -> [Element]? {
        diagnostics.recorder?.note(value, key, .list(.any))
        guard let found = member(key, required: required) else { return nil }
        guard found.kind == .array else {
            diagnostics.error("\(found.shown) is not an array", at: found.offset)
            return nil
        }
        return found.elements.compactMap(read)
    }

    func objects<Element>(_ key: String, _ read: (ObjectReader) -> Element?) -> [Element]? {
        diagnostics.recorder?.note(value, key, .list(.object))
        return array(key) { ObjectReader($0, diagnostics).flatMap(read) }
    }

    func strings(_ key: String, required: Bool = false) -> [Located<String>]? {
        diagnostics.recorder?.note(value, key, .list(.string))
        return array(key, required: required, string)
    }

    func integers<Number: FixedWidthInteger>(
        _ key: String, _ type: Number.Type
    ) -> [Located<Number>]? {
        diagnostics.recorder?.note(value, key, .list(.integer(type)))
        return array(key) { integer($0, type) }
    }

    /// Reports unknown members: for keys of vfs-run. Those of the specification are ignored if
    /// unknown.
    func refuseMembers(otherThan known: [String]) {
        diagnostics.recorder?.noteStrict(value)
        for (key, _) in value.members {
            guard let name = key.string, !known.contains(name) else { continue }
            diagnostics.error(
                "is not known; " + suggestion(name, among: known), at: key.offset)
        }
    }

    /// All members, under whatever names the document has.
    ///
    /// - Parameter shape: Of each of them.
    func named(_ shape: KeyRecorder.Shape) -> [(key: JSONValue, value: JSONValue)] {
        diagnostics.recorder?.noteNamed(value, shape)
        return value.members
    }

    // MARK: Values

    func string(_ found: JSONValue) -> Located<String>? {
        guard let string = found.string else {
            diagnostics.error("\(found.shown) is not a string", at: found.offset)
            return nil
        }
        if string.utf8.contains(0) {
            diagnostics.error(
                "a string cannot contain a NUL byte (\\u0000); remove it",
                at: found.offset)
            return nil
        }
        return Located(string, at: found.offset)
    }

    func integer<Number: FixedWidthInteger>(
        _ found: JSONValue, _ type: Number.Type
    ) -> Located<Number>? {
        if let number = found.integer(type) { return Located(number, at: found.offset) }
        let meant = found.string.flatMap { ObjectReader.number(of: $0) }
        diagnostics.error(
            "\(found.shown) is not a whole number from \(Number.min) to \(Number.max)"
                + (meant.map { "; write \($0), without quotes" } ?? ""), at: found.offset)
        return nil
    }

    /// What stands in quotes as digits, or as a size with a unit: of `256M` the bytes.
    private static func number(of text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits) else { return nil }
        let unit = text.dropFirst(digits.count).lowercased()
        let powers = ["": 0, "b": 0, "k": 1, "kb": 1, "m": 2, "mb": 2, "g": 3, "gb": 3, "t": 4]
        guard let power = powers[unit] else { return nil }
        let (bytes, isTooMuch) = number.multipliedReportingOverflow(by: 1 << (10 * Int64(power)))
        return isTooMuch ? nil : bytes
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ found: JSONValue, _ type: Choice.Type
    ) -> Located<Choice>? {
        guard let word = string(found) else { return nil }
        if let choice = Choice(rawValue: word.value) { return Located(choice, at: found.offset) }
        let names = Choice.allCases.map(\.rawValue)
        diagnostics.error(
            "\(found.shown) is not known; " + suggestion(word.value, among: names),
            at: found.offset)
        return nil
    }

    /// `did you mean "pid"? allowed are …`
    private func suggestion(_ written: String, among names: [String]) -> String {
        let near = nearestName(to: written, in: names).map { "did you mean \"\($0)\"? " } ?? ""
        return near + "allowed are " + names.joined(separator: ", ")
    }

    private func reportMissing(_ key: String) {
        var message = "is required and missing"
        if let near = nearestName(to: key, in: value.members.compactMap(\.key.string)) {
            message += "; is \"\(near)\" a misspelling of it?"
        }
        diagnostics.error(message, at: offset, member: key)
    }
}

extension JSONValue {
    /// The value for a message, shortened: `"tmp"`, `42`, `an object`.
    var shown: String {
        switch kind {
        case .object, .array: return kind.words
        default:
            let written = String(decoding: text, as: UTF8.self)
            return written.count <= 60 ? written : written.prefix(57) + "…"
        }
    }
}
