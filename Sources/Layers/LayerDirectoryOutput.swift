public import LinuxSystem
internal import SystemPackage

extension LayerStack {
    /// Writes what the uppers hold into a new directory, which needs no layer below to be
    /// understood: one more layer.
    ///
    /// It is written beside its place, as `.NAME.partial`, and renamed when it is whole.
    ///
    /// - Parameters:
    ///   - place: Of the directory; nothing may be there.
    ///   - isPrivate: Whether other users of the host are kept out of it by its own mode, and not by
    ///     that of a directory above.
    ///   - progress: Is told of the bytes so far.
    public func commit(
        uppers: Int, to place: OutputPlace, latest: FileTime? = nil, isPrivate: Bool = false,
        progress: (Int) -> Void = { _ in }
    ) throws(Failure) {
        try place.makeDirectory { (directory) throws(Failure) in
            let root = LayerDirectory(directory, layer: 0)
            let writer = DirectoryWriter(root, of: self, latest: latest)
            var walk = TreeWalk(self, .standalone, uppers: uppers)
            var before: Int64 = 0
            while let node = try walk.next() {
                try writer.add(node)
                progress(Int(writer.bytes - before))
                before = writer.bytes
            }
            try writer.finish()
            if !isPrivate { return }
            try attempt("fchmod", on: .root, try root.borrowed.changeMode(0o700))
        }
    }
}
