public import LinuxSystem
internal import SystemPackage

/// What is wrong with a cgroup, or with what was asked of it.
public struct ControlGroupError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence, lower case, with what to do about it.
    public var sentence: String
    /// Whether another name would do.
    public var isTaken = false
    /// Whether the cgroup hands controllers on, and so can have no processes of its own.
    var isDivided = false
    /// Whether the process that was to be moved has ended.
    var isGone = false
    /// Whether the cgroup was removed while it was being made.
    var isRemoved = false
    /// Whether this user may not move processes there from where they are.
    var isForbidden = false

    public init(_ sentence: String, isTaken: Bool = false) {
        self.sentence = sentence
        self.isTaken = isTaken
    }

    public init(_ error: SystemCallError, _ advice: String? = nil) {
        self.init(error.description + (advice.map { "; " + $0 } ?? ""))
    }

    public var description: String { sentence }
}

/// Runs calls; what fails becomes the sentence.
@inline(__always)
func group<Value: ~Copyable>(
    _ call: @autoclosure () -> String, _ path: @autoclosure () -> String,
    advice: (Errno) -> String? = { _ in nil }, _ body: () throws(Errno) -> Value
) throws(ControlGroupError) -> Value {
    do {
        return try body()
    } catch {
        throw ControlGroupError(SystemCallError(call(), "\"\(path())\"", error), advice(error))
    }
}
