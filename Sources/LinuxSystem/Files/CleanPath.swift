extension HostPath {
    /// Without `.`, empty components and `..`, which stops at the root. Nothing is looked up.
    public static func cleaned(_ path: String) -> String {
        if isClean(path) { return path }
        let slash = UInt8(ascii: "/")
        let dot = UInt8(ascii: ".")
        let bytes = Array(path.utf8)
        var kept: [UInt8] = []
        // Where each part begins, with its slash.
        var starts: [Int] = []
        var position = 0
        while position < bytes.count {
            let start = position
            while position < bytes.count, bytes[position] != slash { position += 1 }
            let length = position - start
            if length == 2, bytes[start] == dot, bytes[start + 1] == dot {
                if let last = starts.popLast() { kept.removeLast(kept.count - last) }
            } else if length > 1 || length == 1 && bytes[start] != dot {
                starts.append(kept.count)
                kept.append(slash)
                kept += bytes[start..<position]
            }
            position += 1
        }
        return kept.isEmpty ? "/" : String(decoding: kept, as: UTF8.self)
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
