internal import LinuxSystem

/// Puts the place in front of a failure.
@inline(__always)
func within<Value: ~Copyable>(
    _ place: @autoclosure () -> String, _ body: @autoclosure () throws(Failure) -> Value
) throws(Failure) -> Value {
    do {
        return try body()
    } catch {
        throw error.within(place())
    }
}

/// A text of an image for a message, as `shown(_:)` of its bytes.
func shown(_ text: String) -> String { shown(Array(text.utf8)) }

/// A name of an archive for a message: unprintable characters as in C, at most 120 characters.
func shown(_ name: [UInt8]) -> String {
    var text = ""
    for character in String(decoding: name, as: UTF8.self).unicodeScalars {
        switch character {
        case "\n": text += "\\n"
        case "\"", "\\": text += "\\\(character)"
        case "\u{0}"..<" ", "\u{7f}"..<"\u{a0}": text += "\\x" + String(character.value, radix: 16)
        default: text.unicodeScalars.append(character)
        }
        if text.count >= 120 { return "\"\(text)…\"" }
    }
    return "\"\(text)\""
}
