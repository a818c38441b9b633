internal import LinuxSystem

/// A word of a command line in a script of sh(1).
///
/// A literal is this program's own text and stands as it is. Whatever a config, an image or a caller
/// has chosen is a `value` or a `path`, and is quoted by the one function that quotes.
struct ShellWord: ExpressibleByStringLiteral, Sendable {
    let text: String

    init(stringLiteral text: StaticString) { self.text = text.description }

    private init(text: String) { self.text = text }

    /// What the shell hands on unchanged.
    static func value(_ value: String) -> ShellWord { ShellWord(text: ShellWord.quoted(value)) }

    /// Below the container's root, wherever the script has mounted it.
    static func path(_ path: String) -> ShellWord {
        ShellWord(text: "\"$root\"" + ShellWord.quoted(path))
    }

    /// Below the script's own directory.
    static func inWork(_ name: String) -> ShellWord {
        ShellWord(text: "\"$work\"/" + quoted(name))
    }

    /// The writable directories of an overlay there, as an option of mount(8).
    static func inWorkOptions(upper: String, work: String) -> ShellWord {
        ShellWord(
            text: "-o \"upperdir=$work/\"\(quoted(upper))\",workdir=$work/\"\(quoted(work))")
    }

    /// Layers of an overlay there, the topmost first, as an option of mount(8).
    static func layersInWork(_ names: [String]) -> ShellWord {
        let places = names.map { "\"$work\"/" + quoted($0) }
        return ShellWord(text: "-o lowerdir=" + places.joined(separator: ":"))
    }

    /// `NAME=VALUE`, which the shell takes for a variable of its own.
    static func assignment(_ name: StaticString, _ value: String) -> ShellWord {
        ShellWord(text: name.description + "=" + quoted(value))
    }

    /// `--NAME VALUE`
    static func option(_ name: StaticString, _ value: String) -> ShellWord {
        ShellWord(text: name.description + " " + quoted(value))
    }

    /// In single quotes, in which the shell obeys nothing; a single quote ends them, is escaped, and
    /// begins them again. NUL, which no argument can hold, ends the value.
    static func quoted(_ value: String) -> String {
        var text = "'"
        for scalar in value.unicodeScalars {
            if scalar.value == 0 { break }
            if scalar == "'" { text += "'\\''" } else { text.unicodeScalars.append(scalar) }
        }
        return text + "'"
    }
}

/// The commands that have the effect of one step, written beside its explanation.
public struct ShellCommands: Sendable {
    private(set) var lines: [String] = []
    /// Of the process on the host when the container's tree is the root.
    private(set) var afterPivot: [String] = []
    /// What a reader should know of the difference.
    private(set) var notes: [String] = []

    mutating func run(_ words: ShellWord...) { lines.append(ShellCommands.line(words)) }

    mutating func run(_ words: [ShellWord]) { lines.append(ShellCommands.line(words)) }

    /// Goes on in a program that `words` execute: what the kernel changes in the calling process alone.
    mutating func executeAgain(_ words: ShellWord...) {
        lines.append(ShellCommands.newStage + ShellCommands.line(words))
    }

    /// Begins a line behind which the script's next part starts.
    static let newStage = "#stage "

    /// When the container's tree is the root, by the host's programs.
    mutating func runAfterPivot(_ words: ShellWord...) {
        afterPivot.append(ShellCommands.line(words))
    }

    /// One line of a comment.
    mutating func note(_ words: String) { notes.append(words) }

    private static func line(_ words: [ShellWord]) -> String {
        words.map(\.text).joined(separator: " ")
    }
}
