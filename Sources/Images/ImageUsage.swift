internal import Archives
public import Layers
public import LinuxSystem
internal import SystemPackage

extension Unpacker {
    /// What each layer of an image adds, removes and wastes, the bottom first. Nothing is unpacked: the
    /// archives are read, their digests verified, and their names kept in memory.
    ///
    /// - Parameter directory: Where an archive is decompressed, if need be.
    public func usage(
        of reference: ImageReference, spoolingIn directory: String
    ) throws(Failure) -> [(name: String, usage: LayerUsage)] {
        let opened = try attempt(
            "open", on: directory, try HostPath.open(directory, [.readOnly, .directory]))
        let tree = UsageTree(limits)
        switch try find(reference, spoolingIn: opened.borrowed) {
        case .saved(let image):
            for (layer, diffID) in zip(image.layers, image.config.diffIDs) {
                let blob = try layer.open()
                let name = blob.name
                try layer.check(size: blob.range.map { Int64($0.count) }, name)
                let ending = try read(blob, "\(diffID)", into: tree)
                try layer.check(ending, diffID, name)
            }
        case .rootfs(let blob):
            let name = blob.name
            _ = try read(blob, name, into: tree)
        }
        return tree.usages
    }

    private func read(
        _ blob: consuming Blob, _ layer: String, into tree: UsageTree
    ) throws(Failure) -> BlobStream.Ending {
        let name = blob.name
        let total = blob.range.map { Int64($0.count) }
        let stream = try BlobStream(blob, atMost: limits.size)
        defer { reporter.endProgress() }
        let reader = try within(
            name,
            try unsafe ArchiveReader { [reporter] () throws(Failure) in
                reporter.progress(layer, done: stream.consumed, of: total)
                return try unsafe stream.nextPiece()
            })
        try within(name, try tree.add(layer, reader, counted: stream.allowEntry))
        return try within(name, try stream.finish())
    }
}
