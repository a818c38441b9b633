internal import Archives
internal import JSON
internal import LinuxSystem

/// A JSON document of an image, read for what is needed of it.
struct Document {
    let root: JSONValue
    /// For messages.
    let name: String

    init(_ bytes: [UInt8], _ name: String) throws(Failure) {
        self.name = name
        let document: JSONDocument
        do {
            document = try JSONDocument(bytes)
        } catch {
            let place = "\(error.position.line):\(error.position.column)"
            throw Failure("\(name):\(place): not JSON: \(error.message)")
        }
        // One reader would take the first, another one the last.
        if let key = document.duplicateKeys.first {
            throw Failure(
                "\(name): duplicate key \(shown(key.string ?? ""))")
        }
        root = document.root
        if root.kind != .object && root.kind != .array {
            throw Failure("\(name): it is neither an object nor an array")
        }
    }

    func fail(_ words: String) -> Failure { Failure("\(name): \(words)") }
}
