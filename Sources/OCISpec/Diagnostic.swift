public import JSON

/// An error or a doubtful setting in a document.
public struct Diagnostic: Error, Sendable, Hashable {
    public enum Severity: Sendable, Hashable {
        /// The document cannot be used.
        case error
        /// The document can be used, but a setting has no effect.
        case warning
        /// A setting has less effect than it describes, as callers expect.
        case note
    }

    public var severity: Severity
    /// The document's name as the user gave it.
    public var file: String
    public var position: JSONPosition
    /// The JSON path, empty for the document: `process.args[0]`.
    public var path: String
    /// The value, the allowed values and the fix; lower case, no full stop.
    public var message: String
    /// The words of a command line that the setting comes from; nil for one of a file.
    public var words: String?

    /// `config.json:12:9: process.cwd: "tmp" is not an absolute path`, or `-w tmp: "tmp" is …`
    public var text: String {
        var place = "\(file):\(position.line):\(position.column): "
        if let words { place = words.isEmpty ? "" : words + ": " }
        let label =
            switch severity {
            case .error: ""
            case .warning: "warning: "
            case .note: "note: "
            }
        let isNamed = path.isEmpty || words?.isEmpty == false
        return place + label + (isNamed ? "" : path + ": ") + message
    }
}

extension Diagnostic {
    /// A text that is not JSON.
    public init(_ error: JSONSyntaxError, file: String) {
        self.init(
            severity: .error, file: file, position: error.position, path: "",
            message: "not JSON: " + error.message)
    }
}

/// Collects the findings about one document, so that all are reported at once.
public final class Diagnostics {
    public let document: JSONDocument
    public let file: String
    public private(set) var all: [Diagnostic] = []
    /// Receives what the readers ask for; nil but for lint and the schema.
    public var recorder: KeyRecorder?

    public init(_ document: JSONDocument, file: String) {
        self.document = document
        self.file = file
    }

    public var hasErrors: Bool { all.contains { $0.severity == .error } }

    /// Whether an error about `path`, or about a part of it, was reported: a wrong value must not be
    /// reported as missing.
    public func hasError(in path: String) -> Bool {
        all.contains {
            $0.severity == .error
                && ($0.path == path || $0.path.hasPrefix(path + ".")
                    || $0.path.hasPrefix(path + "["))
        }
    }

    /// In the order of the document.
    public var sorted: [Diagnostic] {
        all.enumerated().sorted { one, other in
            let (first, second) = (one.element.position, other.element.position)
            if first.line != second.line { return first.line < second.line }
            if first.column != second.column { return first.column < second.column }
            return one.offset < other.offset
        }.map(\.element)
    }

    /// Reports duplicate keys.
    public func reportDuplicateKeys() {
        for key in document.duplicateKeys {
            error("is a duplicate key; remove one", at: key.offset)
        }
    }

    /// Reports an error about the value at `offset`.
    ///
    /// - Parameter member: The missing member of that value.
    public func error(_ message: String, at offset: Int, member: String? = nil) {
        add(.error, message, at: offset, member: member)
    }

    /// Reports a warning; the arguments are those of an error.
    public func warning(_ message: String, at offset: Int, member: String? = nil) {
        add(.warning, message, at: offset, member: member)
    }

    public func note(_ message: String, at offset: Int) {
        add(.note, message, at: offset, member: nil)
    }

    private func add(
        _ severity: Diagnostic.Severity, _ message: String, at offset: Int, member: String?
    ) {
        var path = document.path(to: offset)
        if let member { path += path.isEmpty ? member : "." + member }
        all.append(
            Diagnostic(
                severity: severity, file: file, position: document.position(of: offset),
                path: path, message: message, words: document.words(at: offset)))
    }
}

/// The name in `names` that is most similar to `written`, or that has it behind a prefix, as RLIMIT_CPU
/// has CPU; nil if none is similar.
public func nearestName(to written: String, in names: some Sequence<String>) -> String? {
    let end = "_" + written.lowercased()
    if let whole = names.first(where: { $0.lowercased().hasSuffix(end) && written.count > 1 }) {
        return whole
    }
    // Every name would be similar to a single letter.
    let limit = max(written.count > 1 ? 1 : 0, min(3, written.count / 3))
    var best: (name: String, distance: Int)?
    for name in names where abs(name.count - written.count) <= limit {
        let distance = editDistance(Array(written.lowercased()), Array(name.lowercased()))
        if distance <= limit && distance < best?.distance ?? .max { best = (name, distance) }
    }
    return best?.name
}

/// The least number of letters to insert, remove, replace or swap with a neighbour.
private func editDistance(_ one: [Character], _ other: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...other.count)
    for row in 0..<one.count {
        var current = [row + 1]
        for column in 0..<other.count {
            let same = one[row] == other[column]
            var cost = min(
                last[column + 1] + 1, current[column] + 1, last[column] + (same ? 0 : 1))
            if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                cost = min(cost, beforeLast[column - 1] + 1)
            }
            current.append(cost)
        }
        beforeLast = last
        last = current
    }
    return last[other.count]
}
