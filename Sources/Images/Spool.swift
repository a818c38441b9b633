internal import Archives
internal import LinuxSystem
internal import SystemPackage

/// A file that is read in many places must be seekable: a stream, or one that is
/// compressed, is first written into one that has no name and goes with this process.
enum Spool {
    /// - Parameters:
    ///   - directory: Where there is room.
    ///   - limit: Of bytes, of which none more is written.
    /// - Returns: Open for reading.
    static func file(
        of blob: consuming Blob, in directory: FileDescriptor, atMost limit: Int64,
        _ reporter: any Reporter
    ) throws(Failure) -> OwnedDescriptor {
        let name = blob.name
        let total = blob.range.map { Int64($0.count) }
        if total != nil, try !isCompressed(blob) { return blob.takeFile() }
        let file = try attempt(
            "open", on: "\(name), in a file without a name", try make(in: directory))
        let stream = try BlobStream(blob, atMost: limit)
        defer { reporter.endProgress() }
        while true {
            let piece = try unsafe within(name, try stream.nextPiece())
            if unsafe piece.isEmpty { break }
            try attempt("write", on: name, try unsafe file.borrowed.writeAll(piece))
            reporter.progress(name, done: stream.consumed, of: total)
        }
        return file
    }

    private static func isCompressed(_ blob: borrowing Blob) throws(Failure) -> Bool {
        let file = blob.file.borrowed
        let name = blob.name
        let input = unsafe StreamInput { (target) throws(Failure) in
            try unsafe attempt("read", on: name, try file.readInto(target))
        }
        let foreign = try ForeignFormat(of: input)
        let compression = try Compression(of: input)
        try attempt("lseek", on: name, try file.moveOffset(to: 0))
        return foreign != nil || compression != .none
    }

    private static func make(in directory: FileDescriptor) throws(Errno) -> OwnedDescriptor {
        do throws(Errno) {
            return try directory.makeNamelessFile(mode: 0o600, readable: true)
        } catch .notSupported, .isDirectory, .invalidArgument {
            let name = ".spool.\(CurrentProcess.pid)"
            let file = try directory.open(
                name, [.readWrite, .create, .exclusive], mode: 0o600)
            try directory.remove(name)
            return file
        }
    }
}

extension Blob {
    fileprivate consuming func takeFile() -> OwnedDescriptor { file }
}
