public import LinuxSystem

/// The name of a container: the name of its directory, too.
public struct ContainerID: Sendable, Hashable {
    public let text: String

    /// - Throws: A sentence with what is allowed.
    public init(_ text: String) throws(Failure) {
        if text.isEmpty {
            throw Failure("container id cannot be empty")
        }
        // The name of a file has at most 255 bytes.
        if !text.isPlainName || text == "." || text == ".." || text.utf8.count > 255 {
            throw Failure(
                "invalid container ID format: invalid character or length in the container ID"
                    + " \"\(text)\"; letters, digits and _ + - . are allowed,"
                    + " at most 255")
        }
        self.text = text
    }
}
