internal import LinuxSystem
internal import SystemPackage

/// A standard stream by its number.
enum StandardStream: CInt, CaseIterable {
    case input, output, error

    var descriptor: FileDescriptor { FileDescriptor(rawValue: rawValue) }

    var name: String {
        switch self {
        case .input: "standard input"
        case .output: "standard output"
        case .error: "standard error"
        }
    }
}
