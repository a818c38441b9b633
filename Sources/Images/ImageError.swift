internal import Archives
internal import Layers
public import LinuxSystem
internal import SystemPackage

/// The former name.
public typealias ImageError = Failure

/// Runs `body` and says at which file it failed.
func atFile<Value: ~Copyable>(
    _ name: @autoclosure () -> String, _ body: () throws(Errno) -> Value
) throws(ImageError) -> Value {
    do {
        return try body()
    } catch {
        throw ImageError("\(name()): \(error.words)")
    }
}

/// Runs `body`, which looks into layers.
func ofLayers<Value>(_ body: () throws(LayerError) -> Value) throws(ImageError) -> Value {
    do {
        return try body()
    } catch {
        throw error
    }
}

/// Runs `body` and says in which archive it failed.
func inArchive<Value: ~Copyable>(
    _ name: @autoclosure () -> String, _ body: () throws(ArchiveError) -> Value
) throws(ImageError) -> Value {
    do {
        return try body()
    } catch {
        throw ImageError("\(name()): \(error.message)")
    }
}

/// A name of an archive for a message: what is not printable as in C, at most 120 characters.
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
