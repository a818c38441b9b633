internal import Archives
public import LinuxSystem
public import SystemPackage

/// A layer's archive, written into a directory of the caller's.
public enum LayerExtraction {
    /// - Parameters:
    ///   - archive: A tar archive, not compressed, from its beginning on.
    ///   - name: For messages.
    ///   - directory: Empty, and no other process's.
    public static func write(
        _ archive: FileDescriptor, named name: String, into directory: consuming OwnedDescriptor
    ) throws(Failure) {
        var place: Int64 = 0
        let input = unsafe StreamInput { (buffer) throws(Failure) in
            let count = try attempt(
                "read", on: name, try unsafe archive.read(into: buffer, at: place))
            place += Int64(count)
            return count
        }
        var last = 0
        do throws(Failure) {
            let reader = try unsafe ArchiveReader { () throws(Failure) in
                input.take(last)
                let piece = try unsafe input.look()
                last = piece.count
                return unsafe piece
            }
            try LayerWriter(directory, reading: reader, .current, Limits()).writeAll()
        } catch {
            throw error.within(name)
        }
    }
}
