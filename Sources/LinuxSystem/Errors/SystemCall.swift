internal import Glibc
internal import SystemPackage

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
