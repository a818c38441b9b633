internal import Glibc
public import SystemPackage

/// Returns `result`, or throws the `errno` that a call which answers −1 left.
@inline(__always)
func check<Result: FixedWidthInteger & SignedInteger>(
    _ result: Result
) throws(Errno) -> Result {
    if result == -1 { throw Errno(rawValue: errno) }
    return result
}

/// As `check`, for a call that says nothing but "done".
@inline(__always)
func checkDone(_ result: CInt) throws(Errno) {
    if result == -1 { throw Errno(rawValue: errno) }
}

/// Repeats `call` while a signal interrupts it.
@inline(__always)
func retryOnInterrupt<Result: FixedWidthInteger & SignedInteger>(
    _ call: () -> Result
) throws(Errno) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        let error = errno
        if error != EINTR { throw Errno(rawValue: error) }
    }
}

/// The former name.
public typealias SystemCallError = Failure

extension Failure {
    /// The former name.
    public var sentence: String { message }

    /// The former way to add an advice.
    public init(_ failure: Failure, _ advice: String? = nil) {
        self = failure
        if let advice { self.advice = advice }
    }
}

/// Runs `body` and says which call on which object failed.
@inline(__always)
public func attempt<Value: ~Copyable>(
    _ call: @autoclosure () -> String, _ subject: @autoclosure () -> String = "",
    _ body: () throws(Errno) -> Value
) throws(Failure) -> Value {
    do {
        return try body()
    } catch {
        throw Failure(call(), subject(), error)
    }
}
