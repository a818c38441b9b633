/// An option of a command.
struct Option: Sendable {
    var long: String
    var short: Character?
    /// The value's name in help texts, nil for a switch.
    var value: String?
    var help: String
    /// What the shell can complete the value with.
    var completes: Completion = .nothing

    enum Completion: Sendable {
        case nothing, files, directories
        case words([String])
    }

    /// What stands behind a switch: `--detach=false`. Nil for what is neither.
    static func isOn(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    static func noSwitch(_ name: String, _ text: String) -> String {
        "invalid boolean value \"\(text)\" for --\(name); true and false are known"
    }

    /// Every command has these.
    static let common = [
        Option(long: "help", short: "h", value: nil, help: "print this help and exit"),
        Option(long: "version", short: "v", value: nil, help: "print the version and exit"),
    ]
}
