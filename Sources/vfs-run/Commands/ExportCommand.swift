internal import Layers
internal import LinuxSystem

extension Command {
    /// `vfs-run export DIR -o PLACE`
    static let export = Command(
        name: "export", summary: "write all layers as one archive", operands: "DIR|ID",
        details: [
            "DIR is what --upper kept, ID a container: one whose upper is thrown away while it"
                + " runs. The archive holds the root file system as a run on DIR would"
                + " find it, without what is mounted there."
        ],
        options: [
            .archive, .compression, .latestTime, .noSync, .quiet, .json, .belowUpper,
            .userAttributes,
        ],
        run: { arguments throws(CommandError) in
            _ = try arguments.requireOperands(1...1)
            do throws(LayerError) {
                let source = try UpperSource(arguments)
                if source.isInUse { arguments.globals.log.warning(source.warning) }
                let place = try ArchivePlace(arguments, allowsDirectory: false)
                return try place.write(LayerArchive(merged: source.stack), arguments)
            } catch {
                throw CommandError(error.sentence)
            }
        })
}
