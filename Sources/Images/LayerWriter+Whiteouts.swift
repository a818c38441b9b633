internal import Layers
internal import LinuxSystem
internal import SystemPackage

extension FileName {
    private static let whiteoutPrefix = Array(".wh.".utf8)
    private static let metadataPrefix = Array(".wh..wh.".utf8)
    static let opaqueMarker = Array(".wh..wh..opq".utf8)

    /// A name that stands for something that is not there (OCI image-spec, layers).
    var isReservedForWhiteouts: Bool { bytes.starts(with: FileName.whiteoutPrefix) }

    /// A file of AUFS's own.
    var isMetadata: Bool { bytes.starts(with: FileName.metadataPrefix) }

    /// The name that the whiteout of this name hides; nil where that is no name.
    var hidden: FileName? { FileName(bytes.dropFirst(FileName.whiteoutPrefix.count)) }
}

/// Files with special names in an OCI layer become overlayfs's whiteouts and marks: a whiteout
/// hides a name of the layers below, and a directory that is opaque all of theirs.
extension LayerWriter {
    func writeWhiteout(
        _ name: FileName, in parent: FileDescriptor, _ path: EntryPath
    ) throws(Failure) {
        if name.bytes == FileName.opaqueMarker {
            let directory = EntryPath(Array(path.parents))
            guard let last = directory.names.last else {
                throw Failure(
                    "the layer hides everything below its root, which an overlay cannot say; pack"
                        + " the image anew without the layers below")
            }
            let above = try self.directory(directory.parents, for: path)
            return try attempt("setxattr", path.text, try makeOpaque(last, in: above))
        }
        if name.isMetadata { return note("metadata of AUFS is left out") }
        guard let hidden = name.hidden else {
            throw Failure("the whiteout \(path.text) names nothing that can be hidden")
        }
        try attempt("mknod", path.text, try hide(hidden, in: parent))
    }

    private func hide(_ name: FileName, in parent: FileDescriptor) throws(Errno) {
        do throws(Errno) {
            try marks.hide(name, in: parent)
        } catch .fileExists {
            // A whiteout hides what is in the layers below, not in its own: what this layer has
            // under the name hides that already, a directory when it is opaque.
            if try FileStatus.of(name, in: parent).kind == .directory {
                try makeOpaque(name, in: parent)
            }
        }
    }

    /// A directory in the place of a whiteout hides what the whiteout has hidden.
    func replaceWhiteout(
        _ name: FileName, in parent: FileDescriptor, mode: UInt32
    ) throws(Errno) {
        try parent.remove(name)
        try parent.makeDirectory(name, mode: mode)
        try makeOpaque(name, in: parent)
    }

    private func makeOpaque(_ name: FileName, in parent: FileDescriptor) throws(Errno) {
        let directory = try parent.open(name, [.readOnly, .directory])
        try marks.makeOpaque(directory.borrowed)
    }
}
