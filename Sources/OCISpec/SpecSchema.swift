internal import JSON

/// The JSON schema of config.json, made by asking the readers.
///
/// They read a document, which at first is empty. From what they ask for a larger one is made, with an
/// object wherever they want one, until they ask for nothing new.
public enum SpecSchema {
    /// docs/config.schema.json
    public static var text: String {
        var document: JSONOutput = .object([])
        var objects: [String: KeyRecorder.Object] = [:]
        // Each round adds a level; the specification has fewer than ten.
        for _ in 0..<16 {
            // It is written here, and within the parser's bounds.
            guard let text = try? document.document else { return "" }
            let read = SpecSchema.objects(text)
            let isWhole = size(read) == size(objects)
            objects = read
            if isWhole { break }
            document = built(objects) { value($0, $1) }
        }
        let schema = built(objects) { property($0, $1) }
        guard case .object(let members) = schema else { return "" }
        let head: [(key: String, value: JSONOutput)] = [
            ("$schema", "https://json-schema.org/draft/2020-12/schema"),
            ("title", "config.json of the OCI runtime specification, with the key vfs of vfs-run"),
        ]
        return JSONOutput.object(head + members).prettyText
    }

    private static func size(_ objects: [String: KeyRecorder.Object]) -> Int {
        objects.values.reduce(objects.count) { $0 + $1.keys.count }
    }

    /// By their paths in the document; a place in a list is `[0]`, a chosen name `x`.
    private static func objects(_ document: JSONDocument) -> [String: KeyRecorder.Object] {
        let diagnostics = Diagnostics(document, file: "")
        let recorder = KeyRecorder()
        diagnostics.recorder = recorder
        let spec = Spec(diagnostics)
        // A start reads it when no compiled one is kept.
        if let profile = spec.linux?.seccomp { _ = Spec.Seccomp(profile, diagnostics) }
        var found: [String: KeyRecorder.Object] = [:]
        for (offset, object) in recorder.objects { found[document.path(to: offset)] = object }
        return found
    }

    /// The outermost object, made from the innermost outwards.
    private static func built(
        _ objects: [String: KeyRecorder.Object],
        _ make: (KeyRecorder.Object, [(key: String, inner: JSONOutput?)]) -> JSONOutput
    ) -> JSONOutput {
        var made: [String: JSONOutput] = [:]
        for path in objects.keys.sorted(by: { ($0.utf8.count, $0) > ($1.utf8.count, $1) }) {
            guard let object = objects[path] else { continue }
            let names = object.named == nil ? object.keys : object.keys + ["x"]
            let members = names.map { key in
                let inner = path.isEmpty ? key : "\(path).\(key)"
                return (key, made[inner] ?? made[inner + "[0]"])
            }
            made[path] = make(object, members)
        }
        return made[""] ?? .object([])
    }

    // MARK: The document that is read

    private static func value(
        _ object: KeyRecorder.Object, _ members: [(key: String, inner: JSONOutput?)]
    ) -> JSONOutput {
        .object(
            members.map { key, inner in
                (key, sample(object.shapes[key] ?? object.named ?? .any, inner))
            })
    }

    private static func sample(_ shape: KeyRecorder.Shape, _ inner: JSONOutput?) -> JSONOutput {
        switch shape {
        case .string: "x"
        case .bool: false
        case .integer: 1
        case .word(let words): .string(words.first ?? "x")
        case .any, .object: inner ?? .object([])
        case .list(.object), .list(.any): .array([inner ?? .object([])])
        case .list(.integer): [1]
        case .list(.word(let words)): .array([.string(words.first ?? "x")])
        case .list: ["x"]
        }
    }

    // MARK: The schema

    private static func property(
        _ object: KeyRecorder.Object, _ members: [(key: String, inner: JSONOutput?)]
    ) -> JSONOutput {
        if let named = object.named {
            let inner = members.first { $0.key == "x" }?.inner
            return .object([
                ("type", "object"), ("additionalProperties", described(named, inner)),
            ])
        }
        var parts: [(key: String, value: JSONOutput)] = [
            ("type", "object"),
            (
                "properties",
                .object(
                    members.map { ($0.key, described(object.shapes[$0.key] ?? .any, $0.inner)) })
            ),
        ]
        let required = object.keys.filter(object.required.contains)
        if !required.isEmpty { parts.append(("required", .strings(required))) }
        if object.isStrict { parts.append(("additionalProperties", false)) }
        return .object(parts)
    }

    private static func described(_ shape: KeyRecorder.Shape, _ inner: JSONOutput?) -> JSONOutput {
        if case .list(let element) = shape {
            return .object([("type", "array"), ("items", single(element, inner))])
        }
        return single(shape, inner)
    }

    private static func single(_ shape: KeyRecorder.Shape, _ inner: JSONOutput?) -> JSONOutput {
        switch shape {
        case .string: .object([("type", "string")])
        case .bool: .object([("type", "boolean")])
        case .integer(let least, let most):
            .object([("type", "integer"), ("minimum", least), ("maximum", most)])
        case .word(let words): .object([("enum", .strings(words))])
        case .object: inner ?? .object([("type", "object")])
        // A word, a switch, a list, or the object.
        case .any:
            inner.map {
                .object([
                    ("anyOf", .array([$0, .object([("type", ["string", "boolean", "array"])])]))
                ])
            } ?? .object([])
        case .list: .object([("type", "array")])
        }
    }
}
