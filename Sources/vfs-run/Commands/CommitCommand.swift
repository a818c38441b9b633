internal import Layers
internal import LinuxSystem

extension Command {
    /// `vfs-run commit DIR -o PLACE`
    static let commit = Command(
        name: "commit", summary: "make a layer from an upper", operands: "DIR|ID",
        details: [
            "DIR is a directory of --upper, or the upper directory of any overlay. ID is a running"
                + " container whose upper is discarded at its end. A directory as PLACE is used with"
                + " --layer. An archive is an OCI layer: deletions are .wh. files, and extended"
                + " attributes and holes are kept; the same files give the same bytes. Prints the"
                + " digest and the diff-id.",
            "Moved directories (redirect_dir) and files with their data in a lower layer (metacopy)"
                + " are written in full, so that the layer needs no other layer. PLACE appears once"
                + " it is complete. An upper in use by a run is refused.",
        ],
        options: [
            .output, .compression, .latestTime, .noSync, .quiet, .json, .since, .belowUpper,
            .userAttributes,
        ],
        run: { arguments throws(Failure) in
            let source = try UpperSource(arguments, needsLayers: false)
            try source.requireUnused()
            if source.isInUse { arguments.globals.log.warning(source.warning) }
            let place = try ArchivePlace(arguments, allowsDirectory: true)
            if case .directory(let path) = place.target {
                let progress = Progress(arguments)
                defer { progress.finish() }
                // A directory is used in the same user namespace, and the caller may be unable to
                // set other owners.
                var files = source.stack
                files.owners = nil
                try files.commit(
                    uppers: source.uppers, to: place.output(path), latest: place.latest,
                    isPrivate: true, progress: progress.add)
                return 0
            }
            return try place.write(
                LayerArchive(layer: source.stack, uppers: source.uppers), arguments)
        })
}
