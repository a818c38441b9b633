/// Names of files on the host, as text.
public enum HostName {
    /// `path` as seen from the directory `base`.
    static func absolute(_ path: String, from base: String) -> String {
        if path.hasPrefix("/") { return path }
        return base.hasSuffix("/") ? base + path : base + "/" + path
    }

    /// Without `.`, empty components and `..`, which stops at the root.
    public static func cleaned(_ path: String) -> String {
        if isClean(path) { return path }
        var kept: [Substring] = []
        for component in path.split(separator: "/") where component != "." {
            if component == ".." {
                _ = kept.popLast()
            } else {
                kept.append(component)
            }
        }
        return "/" + kept.joined(separator: "/")
    }

    /// Whether there is nothing to clean, as in nearly every path: no component is empty or starts
    /// with a dot, and the last one ends the path.
    private static func isClean(_ path: String) -> Bool {
        var previous: UInt8 = 0
        for byte in path.utf8 {
            if previous == UInt8(ascii: "/")
                && (byte == UInt8(ascii: "/") || byte == UInt8(ascii: "."))
            {
                return false
            }
            if previous == 0 && byte != UInt8(ascii: "/") { return false }
            previous = byte
        }
        return previous != 0 && (previous != UInt8(ascii: "/") || path.utf8.count == 1)
    }
}
