internal import LinuxSystem

/// A path of an archive, taken apart: nothing in it leads upwards.
struct EntryPath: Hashable {
    /// From the top; empty for the root itself.
    let names: [FileName]

    /// More than any file system of a container needs, and few enough to have all open at once.
    static let maximumDepth = 256

    /// A leading `/` and `.` mean nothing: all is relative to the layer's root.
    ///
    /// - Throws: For `..`, for nothing at all, and for what no kernel takes as a name.
    init(_ path: [UInt8]) throws(Failure) {
        var names: [FileName] = []
        if path.isEmpty { throw Failure("an entry has no name") }
        for part in path.split(separator: UInt8(ascii: "/")) where part != [UInt8(ascii: ".")] {
            guard let name = FileName(part) else {
                throw Failure(
                    "the entry \(shown(path)) has \"..\" in its path, which may lead out of the"
                        + " layer; such an archive is not unpacked")
            }
            if part.count > 255 {
                throw Failure(
                    "the entry \(shown(path)) has a name of \(part.count) bytes; 255 are the most")
            }
            names.append(name)
        }
        if names.count > EntryPath.maximumDepth {
            throw Failure(
                "the entry \(shown(path)) lies \(names.count) directories deep;"
                    + " \(EntryPath.maximumDepth) are the most")
        }
        self.names = names
    }

    init(_ names: [FileName]) {
        self.names = names
    }

    var parents: ArraySlice<FileName> { names.dropLast() }

    /// Its names with a slash between them.
    var bytes: [UInt8] { Array(names.map(\.bytes).joined(separator: [UInt8(ascii: "/")])) }

    /// For messages.
    var text: String { names.isEmpty ? "the root of the layer" : shown(bytes) }
}
