package import SystemPackage

/// A standard stream by its number.
package enum StandardStream: CInt, CaseIterable {
    case input, output, error

    package var descriptor: FileDescriptor { FileDescriptor(rawValue: rawValue) }

    package var name: String {
        switch self {
        case .input: "standard input"
        case .output: "standard output"
        case .error: "standard error"
        }
    }
}
