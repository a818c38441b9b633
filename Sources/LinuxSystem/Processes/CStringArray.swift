internal import Glibc

/// A NULL-terminated array of C strings, as `execve` wants it.
@safe
public final class CStringArray: @unchecked Sendable {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    public init(_ strings: [String]) {
        count = strings.count
        unsafe pointers = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() {
            unsafe pointers[index] = strdup(string)
        }
        unsafe pointers[strings.count] = nil
    }

    /// The string at `index`, as it is now: getopt moves them.
    subscript(index: Int) -> String {
        guard index < count, let pointer = unsafe pointers[index] else { return "" }
        return unsafe String(cString: pointer)
    }

    deinit {
        for index in 0..<count { unsafe free(pointers[index]) }
        unsafe pointers.deallocate()
    }
}
