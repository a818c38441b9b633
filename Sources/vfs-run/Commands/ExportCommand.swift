internal import Layers
internal import LinuxSystem

extension Command {
    /// `vfs-run export DIR -o PLACE`
    static let export = Command(
        name: "export", summary: "write all layers as one archive", operands: "DIR|ID",
        details: [
            "DIR is a directory of --upper. ID is a running container whose upper is discarded at its"
                + " end. The archive is the root file system that a run with DIR would see, without"
                + " mounts."
        ],
        options: [
            .archive, .compression, .latestTime, .noSync, .quiet, .json, .belowUpper,
            .userAttributes,
        ],
        run: { arguments throws(Failure) in
            let source = try UpperSource(arguments)
            if source.isInUse { arguments.globals.log.warning(source.warning) }
            let place = try ArchivePlace(arguments, allowsDirectory: false)
            return try place.write(LayerArchive(merged: source.stack), arguments)
        })
}
