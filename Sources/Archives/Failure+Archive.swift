internal import CArchive
internal import LinuxSystem

extension Failure {
    /// The message of libarchive, lower case.
    init(_ archive: OpaquePointer) {
        guard let words = unsafe archive_error_string(archive) else {
            self.init("it is damaged")
            return
        }
        let text = unsafe String(cString: words)
        let isWord = text.dropFirst().first?.isLowercase == true
        self.init(isWord ? text.prefix(1).lowercased() + text.dropFirst() : text)
    }
}
