/// Files of the container in the place of standard streams: the program's own rights open them.
public struct InnerStreams: Sendable, Hashable {
    /// Absolute, in the container; nil: the stream stays as it is.
    public var input: String?
    public var output: String?
    public var error: String?
    /// Whether standard error is the same as standard output.
    public var joinsError = false

    public init() {}

    public var isEmpty: Bool { input == nil && output == nil && error == nil && !joinsError }
}
