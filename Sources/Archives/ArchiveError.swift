internal import CArchive

/// What is wrong with an archive, mostly in the words of libarchive, zlib or zstd.
public struct ArchiveError: Error, Sendable, Hashable {
    /// Lower case, no full stop.
    public var message: String

    public init(_ message: String) {
        self.message = message
    }

    /// What libarchive says.
    init(_ archive: OpaquePointer) {
        guard let words = unsafe archive_error_string(archive) else {
            message = "it is damaged"
            return
        }
        let text = unsafe String(cString: words)
        let isWord = text.dropFirst().first?.isLowercase == true
        message = isWord ? text.prefix(1).lowercased() + text.dropFirst() : text
    }
}
