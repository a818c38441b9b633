extension HostPath {
    /// The directory that a path lies in, as it is written, and its name there; slashes at the end mean
    /// nothing.
    ///
    /// - Returns: No name for a path that ends in `.`, `..` or nothing.
    public static func split(_ path: String) -> (parent: String, name: FileName?) {
        var bytes = path.utf8[...]
        while bytes.count > 1 && bytes.last == 0x2f { bytes.removeLast() }
        guard let slash = bytes.lastIndex(of: 0x2f) else { return (".", FileName(bytes)) }
        return (
            String(Substring(bytes[...slash])), FileName(bytes[bytes.index(after: slash)...])
        )
    }
}
