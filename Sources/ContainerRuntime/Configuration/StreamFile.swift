/// A file of the host in the place of a standard stream: `--stdin`, `--stdout`, `--stderr`.
public struct StreamFile: Sendable, Hashable {
    public var stream: StandardStream
    /// Absolute.
    public var path: String

    public init(_ stream: StandardStream, path: String) {
        self.stream = stream
        self.path = path
    }

    /// The option that names it.
    public var option: String {
        switch stream {
        case .input: "--stdin"
        case .output: "--stdout"
        case .error: "--stderr"
        }
    }
}
