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
    init(openingArchive path: String) throws(Failure) {
        let file = try Blob.open(path)
        let status = try attempt("stat", on: path, try FileStatus.of(file.borrowed))
        if status.kind == .directory {
            throw Failure(
                "\(path) is a directory; for an image layout write \"oci:\(path)\"; a root file system"
                    + " needs no unpacking: \"vfs-run sandbox --base \(path) -- sh\" runs a program in"
                    + " it, and a config.json names it as root.path")
        }
        let isFile = status.kind == .regular && path != "-"
        self.init(
            file: file, range: isFile ? 0..<status.size : nil,
            name: path == "-" ? "standard input" : path)
    }

    private static func open(_ path: String) throws(Failure) -> OwnedDescriptor {
        do throws(Errno) {
            if path == "-" { return try OwnedDescriptor.duplicate(.standardInput) }
            return try HostPath.open(path, [.readOnly, .noControllingTerminal])
        } catch {
            // What other programs would fetch.
            let isName = error == .noSuchFileOrDirectory && !path.has(".tar")
            throw Failure(
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
    consuming func readDocument(limit: Int = Blob.documentLimit) throws(Failure) -> [UInt8] {
        let name = self.name
        if let range, range.count > limit {
            throw Failure("\(name): the document is larger than \(limit >> 20) MiB")
        }
        if let range {
            try attempt("lseek", on: name, try file.borrowed.moveOffset(to: range.lowerBound))
        }
        let count = range.map { $0.count } ?? limit + 1
        let bytes = try attempt("read", on: name, try file.borrowed.readBytes(upTo: count))
        if bytes.count > limit { throw Failure("read", name.inQuotes, .fileTooLarge) }
        return bytes
    }

    /// As registries and other runtimes have it.
    static let documentLimit = 4 << 20
}
