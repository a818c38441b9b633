public import LinuxSystem

/// The name of an image on the command line.
public enum ImageReference: Sendable, Hashable {
    /// A tar of a root file system; `-` is standard input.
    case rootfs(String)
    /// An image layout, in a directory or in a tar archive.
    case layout(String, isArchive: Bool, reference: String?)
    case dockerArchive(String, reference: String?)

    /// `oci:DIR[:TAG|@DIGEST]`, `oci-archive:FILE[:TAG|@DIGEST]`, `docker-archive:FILE[:NAME]`, or a
    /// path.
    public init(_ text: String) throws(Failure) {
        for (prefix, make) in ImageReference.forms where text.hasPrefix(prefix + ":") {
            let rest = String(text.dropFirst(prefix.utf8.count + 1))
            let (path, reference) = ImageReference.split(rest)
            if path.isEmpty {
                throw Failure("\(text): a path is missing behind \"\(prefix):\"")
            }
            self = make(path, reference)
            return
        }
        let scheme = text.prefix { $0 != ":" }
        if text.contains(":"),
            ["docker", "docker-daemon", "dir", "containers-storage"].contains(scheme)
        {
            throw Failure(
                "\(text): images are taken from files alone; \"skopeo copy \(text) oci:DIR:TAG\""
                    + " makes some")
        }
        self = .rootfs(text)
    }

    /// The same as seen from everywhere.
    func absolute() throws(Failure) -> String {
        switch self {
        case .rootfs(let path): try Unpacker.absolute(path)
        case .layout(let path, let isArchive, let reference):
            (isArchive ? "oci-archive:" : "oci:") + (try Unpacker.absolute(path))
                + (reference.map { ($0.hasPrefix("sha256:") ? "@" : ":") + $0 } ?? "")
        case .dockerArchive(let path, let reference):
            "docker-archive:" + (try Unpacker.absolute(path)) + (reference.map { ":" + $0 } ?? "")
        }
    }

    private static let forms: [(String, @Sendable (String, String?) -> ImageReference)] = [
        ("oci", { .layout($0, isArchive: false, reference: $1) }),
        ("oci-archive", { .layout($0, isArchive: true, reference: $1) }),
        ("docker-archive", { .dockerArchive($0, reference: $1) }),
    ]

    /// The path ends at the first `:`, or at the `@` of a digest.
    private static func split(_ text: String) -> (path: String, reference: String?) {
        if let at = text.range(of: "@sha256:") {
            return (
                String(text[..<at.lowerBound]), String(text[text.index(after: at.lowerBound)...])
            )
        }
        guard let colon = text.firstIndex(of: ":") else { return (text, nil) }
        let reference = text[text.index(after: colon)...]
        return (String(text[..<colon]), reference.isEmpty ? nil : String(reference))
    }
}

extension String {
    /// `@3`: the fourth of a list, as skopeo has it for images without a name.
    var placeInList: Int? {
        guard hasPrefix("@") else { return nil }
        return Int(dropFirst()).flatMap { $0 >= 0 ? $0 : nil }
    }

    fileprivate func range(of other: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(other) {
                return start..<index(start, offsetBy: other.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
