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
    ///   - progress: Is told of the bytes so far.
    public func commit(
        uppers: Int, to place: OutputPlace, latest: FileTime? = nil,
        progress: (Int) -> Void = { _ in }
    ) throws(LayerError) {
        try place.makeDirectory { (directory) throws(LayerError) in
            let writer = DirectoryWriter(
                LayerDirectory(directory, layer: 0), of: self, latest: latest)
            var walk = TreeWalk(self, .standalone, uppers: uppers)
            var before: Int64 = 0
            while let node = try walk.next() {
                try writer.add(node)
                progress(Int(writer.bytes - before))
                before = writer.bytes
            }
            try writer.finish()
        }
    }
}
