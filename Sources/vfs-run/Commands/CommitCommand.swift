internal import Layers
internal import LinuxSystem

extension Command {
    /// `vfs-run commit DIR -o PLACE`
    static let commit = Command(
        name: "commit", summary: "make a layer of what runs have written", operands: "DIR|ID",
        details: [
            "DIR is what --upper kept, or any overlay's upper directory, ID a container: one whose"
                + " upper is thrown away while it runs. A directory as PLACE can be"
                + " stacked with --layer. An archive is an OCI layer: deletions as .wh. files, pax"
                + " headers, extended attributes, holes; the same files give the same bytes. Its"
                + " digest and its diff-id are printed.",
            "Directories that were moved and files that have their data in a layer below"
                + " (redirect_dir, metacopy) are written whole: the layer needs no other to be"
                + " understood. PLACE appears when it is whole. An upper in use is refused.",
        ],
        options: [
            .output, .compression, .latestTime, .noSync, .quiet, .json, .since, .belowUpper,
            .userAttributes,
        ],
        run: { arguments throws(CommandError) in
            _ = try arguments.requireOperands(1...1)
            do throws(LayerError) {
                let source = try UpperSource(arguments, needsLayers: false)
                try source.requireUnused()
                if source.isInUse { arguments.globals.log.warning(source.warning) }
                let place = try ArchivePlace(arguments, allowsDirectory: true)
                if case .directory(let path) = place.target {
                    let progress = Progress(arguments)
                    defer { progress.finish() }
                    // A directory is for the same user namespace, and its owners may be the only
                    // ones that this user can give.
                    var files = source.stack
                    files.owners = nil
                    try files.commit(
                        uppers: source.uppers, to: place.output(path), latest: place.latest,
                        isPrivate: true, progress: progress.add)
                    return 0
                }
                return try place.write(
                    LayerArchive(layer: source.stack, uppers: source.uppers), arguments)
            } catch {
                throw CommandError(error.sentence)
            }
        })
}
