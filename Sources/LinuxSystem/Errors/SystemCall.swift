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

/// A system call that failed, with what it was applied to.
public struct SystemCallError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The name of the call as in its manual page: `openat2`.
    public var call: String
    /// The object, quoted where it is a name: `"/dev/pts"`.
    public var subject: String
    public var errno: Errno

    public init(_ call: String, _ subject: String, _ errno: Errno) {
        self.call = call
        self.subject = subject
        self.errno = errno
    }

    public var description: String {
        subject.isEmpty ? "\(call): \(errno.words)" : "\(call) \(subject): \(errno.words)"
    }
}

extension Errno {
    /// The kernel's word for it in lower case: `no such file or directory`. With a limit of this
    /// process's own, where that is the cause.
    public var words: String {
        let cause: (limit: ResourceLimit, option: String)? =
            switch self {
            case .fileTooLarge: (.fileSize, "-f")
            case .tooManyOpenFiles: (.openFiles, "-n")
            default: nil
            }
        guard let (limit, option) = cause, let number = limit.now else { return kernelWords }
        return "\(kernelWords): the limit \(limit.name) (ulimit \(option)) is \(number)"
    }

    private var kernelWords: String {
        let text = description
        guard let first = text.first, !text.dropFirst().prefix(1).allSatisfy(\.isUppercase) else {
            return text
        }
        return first.lowercased() + text.dropFirst()
    }
}

/// Runs `body` and says which call on which object failed.
@inline(__always)
public func attempt<Value: ~Copyable>(
    _ call: @autoclosure () -> String, _ subject: @autoclosure () -> String = "",
    _ body: () throws(Errno) -> Value
) throws(SystemCallError) -> Value {
    do {
        return try body()
    } catch {
        throw SystemCallError(call(), subject(), error)
    }
}
