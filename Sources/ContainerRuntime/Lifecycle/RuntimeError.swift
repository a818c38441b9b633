internal import LinuxSystem

/// A start that failed, for the executable to print.
public struct RuntimeError: Error, Sendable, Hashable {
    /// One sentence, lower case.
    public var message: String
    /// Further problems, one sentence each.
    public var others: [String] = []
    /// The signal that the runtime process was asked to end by.
    public var endedBy: CInt?
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

    /// - Parameter lines: One problem each.
    public init(_ lines: [String]) {
        self.init(lines.first ?? "")
        others = Array(lines.dropFirst())
    }

    /// A signal has ended the start; nothing is left of it.
    package static func ended(by signal: CInt) -> RuntimeError {
        var error = RuntimeError(
            "signal \(signal) (\(Signal.words(signal))) ended the start; nothing is left of it",
            exitCode: 128 + signal)
        error.endedBy = signal
        return error
    }

    public var lines: [String] { [message] + others }
}
