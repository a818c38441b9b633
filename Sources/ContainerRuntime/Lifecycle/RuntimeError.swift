/// A start that failed, for the executable to print.
public struct RuntimeError: Error, Sendable, Hashable {
    /// One sentence, lower case.
    public var message: String
    /// What the program exits with.
    public var exitCode: CInt
    /// Whether everything was done all the same.
    public var isWarning = false
    /// Whether there is no such container.
    public var isMissing = false
    /// Whether it is a state that cannot be understood, and was written by this user all the same.
    var isDamage = false

    /// The exit code of an error of the runtime in the one-shot forms, as Docker and podman
    /// have it.
    public static let failure: CInt = 125

    public init(_ message: String, exitCode: CInt = RuntimeError.failure) {
        self.message = message
        self.exitCode = exitCode
    }
}
