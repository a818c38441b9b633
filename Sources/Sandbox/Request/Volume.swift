public import LinuxSystem

/// A mount that a command line asks for: `-v` and `--tmpfs`, in podman's forms.
public struct Volume: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// A file or a directory of the host, absolute or as it was written.
        case bind(source: String, isReadOnly: Bool)
        /// A directory of the host; what is written is discarded, or kept with the sandbox.
        case copyOnWrite(source: String)
        case tmpfs
    }

    public var kind: Kind
    /// Absolute, cleaned.
    public var destination: String
    /// Options of the mount in config.json.
    public var options: [String]
    /// Of the command line: `-v data:/data`.
    public let words: String

    /// `SRC[:DST][:OPTIONS]`
    ///
    /// - Parameter directory: The directory that a relative source starts at, absolute.
    public init(_ text: String, from directory: String) throws(Failure) {
        words = "-v \(text.inQuotes)"
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), let first = parts.first, !first.isEmpty else {
            throw Failure("\(words): it is not SOURCE[:DESTINATION][:OPTIONS]")
        }
        let source = HostPath.cleaned(first.hasPrefix("/") ? first : "\(directory)/\(first)")
        // SRC:ro is a source with options, since a destination is absolute.
        let hasDestination = parts.count > 1 && parts[1].hasPrefix("/")
        if parts.count == 3 && !hasDestination {
            throw Failure("\(words): the destination \(parts[1].inQuotes) is not absolute")
        }
        destination = HostPath.cleaned(hasDestination ? parts[1] : source)
        let rest = hasDestination ? parts.dropFirst(2) : parts.dropFirst()
        (kind, options) = try Volume.read(rest.first ?? "", source, words)
        try requirePlace()
    }

    /// `DST[:OPTIONS]`
    public init(tmpfs text: String) throws(Failure) {
        words = "--tmpfs \(text.inQuotes)"
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            .map(String.init)
        guard let path = parts.first, path.hasPrefix("/") else {
            throw Failure("\(words): it is not DESTINATION[:OPTIONS] with an absolute path")
        }
        kind = .tmpfs
        destination = HostPath.cleaned(path)
        options = ["nosuid", "nodev"]
        var hasMode = false
        for word in parts.dropFirst().joined().split(separator: ",").map(String.init) {
            let key = String(word.prefix { $0 != "=" })
            let isKnown = key == word ? Volume.flags.contains(key) : Volume.settings.contains(key)
            if !isKnown {
                throw Failure(
                    "\(words): \(word.inQuotes) is not an option; use size=, nr_inodes=, mode=, ro,"
                        + " rw, exec or noexec")
            }
            if ["size=0", "nr_inodes=0"].contains(word) {
                throw Failure("\(words): 0 is no limit for the kernel; write \(key)= with a number")
            }
            hasMode = hasMode || key == "mode"
            options.append(word)
        }
        if !hasMode { options.append("mode=1777") }
        if destination == "/" {
            throw Failure("\(words): the root is no tmpfs; name a directory")
        }
        try requirePlace()
    }

    private static let settings = ["size", "nr_inodes", "mode"]
    private static let flags = ["ro", "rw", "exec", "noexec", "nosuid", "nodev"]

    /// Whether a tmpfs has a size of its own.
    var hasSize: Bool { options.contains { $0.hasPrefix("size=") } }

    private static func read(
        _ text: String, _ source: String, _ words: String
    ) throws(Failure) -> (Kind, [String]) {
        var options = ["nosuid", "nodev"]
        var isReadOnly = false
        var isOverlaid = false
        for word in text.split(separator: ",") {
            switch word {
            case "ro": isReadOnly = true
            case "rw": isReadOnly = false
            case "O": isOverlaid = true
            case "exec", "noexec": options.append(String(word))
            // Labels of SELinux, and what holds here in any case.
            case "z", "Z", "bind", "rbind", "nosuid", "nodev", "private", "rprivate": continue
            default:
                throw Failure(
                    "\(words): \(String(word).inQuotes) is not an option; use ro, rw, O, exec or"
                        + " noexec")
            }
        }
        if isOverlaid && isReadOnly {
            throw Failure("\(words): ro and O exclude each other; O never changes the source")
        }
        let kind: Kind =
            isOverlaid
            ? .copyOnWrite(source: source) : .bind(source: source, isReadOnly: isReadOnly)
        return (kind, options)
    }

    private func requirePlace() throws(Failure) {
        if destination == "/" {
            throw Failure("\(words): the root cannot be replaced; use --base DIR")
        }
        if destination == "/proc" || destination.lies(below: "/proc") {
            throw Failure("\(words): nothing may be mounted on /proc or below it")
        }
        if destination == "/dev/shm" || destination.lies(below: "/dev/shm") { return }
        if destination == "/dev" || destination.lies(below: "/dev") {
            throw Failure(
                "\(words): a sandbox has its own devices; nothing may be mounted on /dev or below it,"
                    + " except on /dev/shm")
        }
    }
}
