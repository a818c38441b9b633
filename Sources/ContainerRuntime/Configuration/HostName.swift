/// Names of files on the host, as text.
enum HostName {
    /// `path` as seen from the directory `base`.
    static func absolute(_ path: String, from base: String) -> String {
        if path.hasPrefix("/") { return path }
        return base.hasSuffix("/") ? base + path : base + "/" + path
    }

    /// Without `.`, empty components and `..`, which stops at the root.
    static func cleaned(_ path: String) -> String {
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
}
