internal import LinuxSystem

/// Names of files on the host, as text.
public enum PathText {
    /// `path` as seen from the directory `base`.
    static func absolute(_ path: String, from base: String) -> String {
        if path.hasPrefix("/") { return path }
        return base.hasSuffix("/") ? base + path : base + "/" + path
    }

    /// Without `.`, empty components and `..`, which stops at the root.
    public static func cleaned(_ path: String) -> String { HostPath.cleaned(path) }
}
