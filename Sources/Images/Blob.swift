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

    /// An archive that the user names; `-` is standard input.
    init(openingArchive path: String) throws(ImageError) {
        let file = try Blob.open(path)
        let status = try atFile(path) { () throws(Errno) in try FileStatus.of(file.borrowed) }
        if status.kind == .directory {
            throw ImageError(
                "\(path) is a directory; \"oci:\(path)\" unpacks an image layout, and a"
                    + " directory can be run as it is")
        }
        let isFile = status.kind == .regular && path != "-"
        self.init(
            file: file, range: isFile ? 0..<status.size : nil,
            name: path == "-" ? "standard input" : path)
    }

    private static func open(_ path: String) throws(ImageError) -> OwnedDescriptor {
        do throws(Errno) {
            if path == "-" { return try OwnedDescriptor.duplicate(.standardInput) }
            return try HostPath.open(path, [.readOnly, .noControllingTerminal])
        } catch {
            // What other programs would fetch.
            let isName = error == .noSuchFileOrDirectory && !path.has(".tar")
            throw ImageError(
                "\(path): \(error.words)"
                    + (isName
                        ? "; an image of a registry is fetched by \"skopeo copy docker://\(path)"
                            + " oci:DIR:TAG\"" : ""))
        }
    }

    init(file: consuming OwnedDescriptor, range: Range<Int64>?, name: String) {
        self.file = file
        self.range = range
        self.name = name
    }

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
