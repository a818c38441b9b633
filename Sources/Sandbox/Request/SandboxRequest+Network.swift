internal import JSON
public import LinuxSystem

extension SandboxRequest {
    /// `--network`
    public enum Network: Sendable, Hashable {
        /// A word of `vfs.network`.
        case mode(String)
        /// The socket of a proxy, absolute.
        case proxy(String)

        /// Words that `vfs.network` takes.
        public static let modes = ["none", "host", "pasta", "slirp4netns"]

        /// - Parameter directory: Where a relative path begins.
        public init(_ text: String, from directory: String) throws(Failure) {
            if Network.modes.contains(text) {
                self = .mode(text)
                return
            }
            var path = text[...]
            for prefix in ["proxy=", "unix:"] where path.hasPrefix(prefix) {
                path = path.dropFirst(prefix.count)
            }
            guard text.hasPrefix("proxy="), !path.isEmpty else {
                throw Failure(
                    "--network: \(text.inQuotes) is not known; use"
                        + " \(Network.modes.joined(separator: ", ")) or proxy=unix:SOCKET")
            }
            self = .proxy(path.hasPrefix("/") ? String(path) : "\(directory)/\(path)")
        }

        var output: JSONOutput {
            switch self {
            case .mode(let word): .string(word)
            case .proxy(let path): ["proxy": .string(path)]
            }
        }
    }
}
