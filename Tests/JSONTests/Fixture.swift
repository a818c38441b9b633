import JSON

/// A text that must be JSON.
func parse(_ text: String) throws -> JSONDocument {
    try JSONDocument(Array(text.utf8))
}

/// Why a text is not JSON, nil when it is.
func syntaxError(_ bytes: [UInt8]) -> JSONSyntaxError? {
    do throws(JSONSyntaxError) {
        _ = try JSONDocument(bytes)
        return nil
    } catch {
        return error
    }
}

func syntaxError(_ text: String) -> JSONSyntaxError? { syntaxError(Array(text.utf8)) }
