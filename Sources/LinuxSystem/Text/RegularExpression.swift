internal import Glibc

/// An extended regular expression (regex(7)).
@safe
public struct RegularExpression: ~Copyable {
    private var compiled = unsafe regex_t()

    /// Nil for what is none. The corresponding C function is `regcomp`.
    public init?(_ pattern: String) {
        if unsafe regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0 { return nil }
    }

    /// Whether it finds something in `text`. The corresponding C function is `regexec`.
    public borrowing func matches(_ text: String) -> Bool {
        unsafe withUnsafePointer(to: compiled) { unsafe regexec($0, text, 0, nil, 0) == 0 }
    }

    deinit {
        unsafe withUnsafePointer(to: compiled) {
            unsafe regfree(UnsafeMutablePointer(mutating: $0))
        }
    }
}
