public import LinuxSystem

/// The name of a kept sandbox: the name of its directory, too.
public struct SandboxName: Sendable, Hashable {
    public let text: String

    /// - Throws: A sentence with what is allowed.
    public init(_ text: String) throws(Failure) {
        let isStart = text.utf8.first.map { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "-") }
        if isStart != true || !text.isPlainName || text.utf8.count > 64 {
            throw Failure(
                "\(text.inQuotes) is not a name of a sandbox; use at most 64 letters, digits and"
                    + " _ + - . and begin with a letter, a digit or _")
        }
        self.text = text
    }
}

extension Failure {
    static func missing(_ name: SandboxName) -> Failure {
        Failure(
            "the sandbox \(name.text.inQuotes) does not exist; \"vfs-run list --sandboxes\" prints"
                + " the kept sandboxes", .missing)
    }
}
