internal import Archives
internal import Images
internal import Layers
internal import LinuxSystem
internal import SystemPackage

extension Command {
    /// `vfs-run pack`
    static let pack = Command(
        name: "pack", summary: "write a bundle as an image",
        operands: "BUNDLE oci:DIR[:TAG]",
        details: [
            "Writes the layers of BUNDLE and a config made of its config.json into the OCI image"
                + " layout DIR, which is made if need be; an image of the same TAG is replaced.",
            "A layer that came with an image is taken from where the image was, or from DIR, as it"
                + " is, and keeps its digest. Every other one is written anew.",
        ],
        options: [
            Option(
                long: "compression", value: "NAME",
                help: "of layers that are written: gzip (the default), zstd or none",
                completes: .words(Compression.allCases.map(\.rawValue))),
            .quiet,
        ],
        run: { arguments throws(CommandError) in
            let operands = try arguments.requireOperands(2...2)
            do throws(ImageError) {
                let reporter = ConsoleReporter(
                    isQuiet: arguments.has("quiet"), arguments.globals.log)
                guard case .layout(let path, false, let tag) = try ImageReference(operands[1]),
                    tag?.hasPrefix("sha256:") != true
                else {
                    throw ImageError(
                        "\(operands[1]): an image is written to an image layout: oci:DIR or"
                            + " oci:DIR:TAG; skopeo copies it elsewhere")
                }
                var packer = Packer(reporter: reporter) {
                    path, file, compression throws(ImageError) in
                    try archive(path, file, compression, reporter)
                }
                if let name = arguments.value("compression") {
                    guard let compression = Compression(rawValue: name) else {
                        throw ImageError("--compression: \"\(name)\" is not gzip, zstd or none")
                    }
                    packer.compression = compression
                }
                try packer.pack(operands[0], to: path, tag: tag)
            } catch {
                throw CommandError(error.message)
            }
            return 0
        })

    private static func archive(
        _ path: String, _ file: FileDescriptor, _ compression: Compression,
        _ reporter: ConsoleReporter
    ) throws(ImageError) -> (diffID: Digest, blob: Digest, size: Int64) {
        let directory: OwnedDescriptor
        do throws(Errno) {
            directory = try HostPath.open(path, [.readOnly, .directory])
        } catch {
            throw ImageError("\(path): \(error.words)")
        }
        do throws(LayerError) {
            let marks = Credentials.effectiveUser == 0 ? OverlayMarks.trusted : .user
            let stack = LayerStack([LayerDirectory(directory, layer: 0)], marks: marks)
            let written = try LayerArchive(layer: stack).write(to: file, compression)
            for warning in written.warnings { reporter.note(warning) }
            return (written.diffID, written.digest, Int64(written.size))
        } catch {
            throw ImageError("\(error)")
        }
    }
}
