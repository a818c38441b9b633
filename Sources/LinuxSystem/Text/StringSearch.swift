internal import Glibc

extension String {
    /// Whether that stands in it, byte by byte.
    ///
    /// The standard library's `contains` of a string comes with its regular expressions.
    public func has(_ part: String) -> Bool { unsafe strstr(self, part) != nil }
}
