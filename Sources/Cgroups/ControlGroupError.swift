public import LinuxSystem
internal import SystemPackage

/// The former name.
public typealias ControlGroupError = Failure

extension Failure {
    /// Whether another name for the cgroup would do.
    public var isTaken: Bool { kind == .taken || kind == .removed }
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
        throw ControlGroupError(call(), "\"\(path())\"", error, advice: advice(error))
    }
}
