public import SystemPackage

/// A standard stream by its number.
public enum StandardStream: CInt, CaseIterable, Sendable {
    case input, output, error

    public var descriptor: FileDescriptor { FileDescriptor(rawValue: rawValue) }

    public var name: String {
        switch self {
        case .input: "standard input"
        case .output: "standard output"
        case .error: "standard error"
        }
    }
}
