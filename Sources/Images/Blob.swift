internal import Archives
internal import LinuxSystem
internal import SystemPackage

/// Bytes of an image as they lie somewhere: a file, a part of one, or a stream.
struct Blob: ~Copyable {
    let file: OwnedDescriptor
    /// Where it starts and how long it is; nil for a stream, which goes to its end.
    let range: Range<Int64>?
    /// For messages.
    let name: String

    /// The whole of a small blob.
    ///
    /// - Parameter limit: A document of more bytes than this is none.
    consuming func readDocument(limit: Int = Blob.documentLimit) throws(ImageError) -> [UInt8] {
        let name = self.name
        if let range, range.count > limit {
            throw ImageError("\(name): a document of more than \(limit >> 20) MiB; that is none")
        }
        return try atFile(name) { () throws(Errno) in
            if let range { try file.borrowed.moveOffset(to: range.lowerBound) }
            let bytes = try file.borrowed.readBytes(
                upTo: range.map { $0.count } ?? limit + 1)
            if bytes.count > limit { throw .fileTooLarge }
            return bytes
        }
    }

    /// As registries and other runtimes have it.
    static let documentLimit = 4 << 20
}
