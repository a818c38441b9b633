public import LinuxSystem

/// A file that the sandbox starts with: `--file DST=SRC`.
public struct SandboxFile: Sendable, Hashable {
    /// In the sandbox, absolute and cleaned.
    public var destination: String
    /// On the host, absolute; nil: standard input.
    public var source: String?
    /// Of the command line.
    let words: String

    /// - Parameters:
    ///   - directory: The directory that a relative source starts at, absolute.
    ///   - inside: The directory that a relative destination starts at.
    public init(_ text: String, from directory: String, inside: String) throws(Failure) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            .map(String.init)
        words = "--file \(text.inQuotes)"
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw Failure("--file: \(text.inQuotes) is not DESTINATION=SOURCE")
        }
        destination = HostPath.cleaned(
            parts[0].hasPrefix("/") ? parts[0] : "\(inside)/\(parts[0])")
        if parts[0].hasSuffix("/") || destination == "/" {
            throw Failure(
                "\(words): the destination is a directory; name a file")
        }
        if parts[1] != "-" {
            source = parts[1].hasPrefix("/") ? parts[1] : "\(directory)/\(parts[1])"
        }
    }
}
