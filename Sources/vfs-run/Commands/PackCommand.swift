internal import Archives
internal import Images
internal import Layers
internal import LinuxSystem
internal import SystemPackage

extension Option {
    fileprivate static let layerCompression = Option(
        "compression", value: "NAME", completes: .words(Compression.allCases.map(\.rawValue)),
        "the compression of new layers: gzip, zstd or none; default: none in a docker-archive,"
            + " else gzip")
}

extension Command {
    /// `vfs-run pack`
    static let pack = Command(
        name: "pack", summary: "make an image from a bundle", operands: "BUNDLE IMAGE",
        details: [
            "Writes the layers of BUNDLE and a config made from its config.json to IMAGE:"
                + " oci:DIR[:TAG] is an OCI image layout, created if missing, in which an image with"
                + " the same TAG is replaced; oci-archive:FILE[:TAG] is a tar archive of one;"
                + " docker-archive:FILE[:NAME] is for docker load.",
            "A layer that was unpacked from an image is copied from that image or from DIR, and keeps"
                + " its digest. Other layers are written anew.",
        ],
        options: [.layerCompression, .quiet],
        run: { arguments throws(Failure) in
            let operands = arguments.operands
            let reporter = ConsoleReporter(
                isQuiet: arguments.has(.quiet), arguments.globals.log)
            let target = try PackTarget(operands[1])
            let latest = try SourceDate.latest()
            var packer = Packer(
                reporter: reporter, over: DefaultConfig.json, created: try SourceDate.created()
            ) { path, isLowest, file, compression throws(Failure) in
                try archive(path, isLowest, file, compression, latest, reporter)
            }
            packer.writesDockerList = target.form == .dockerArchive
            if packer.writesDockerList { packer.compression = .none }
            if let name = arguments.value(.layerCompression) {
                guard let compression = Compression(rawValue: name) else {
                    throw Failure(
                        "--compression: unknown \"\(name)\"; use gzip, zstd or none")
                }
                packer.compression = compression
            }
            try target.write { [packer] path throws(Failure) in
                try packer.pack(operands[0], to: path, tag: target.tag)
            }
            return 0
        })

    private static func archive(
        _ path: String, _ isLowest: Bool, _ file: FileDescriptor, _ compression: Compression,
        _ latest: FileTime?, _ reporter: ConsoleReporter
    ) throws(Failure) -> (diffID: Digest, blob: Digest, size: Int64) {
        let directory = try attempt(
            "open", on: path, try HostPath.open(path, [.readOnly, .directory]))
        let stack = try LayerStack(looking: [LayerDirectory(directory, layer: 0)])
        let name = String(path.split(separator: "/").last ?? "")
        var done: Int64 = 0
        let written = try LayerArchive(layer: stack, isLowest: isLowest).write(
            to: file, compression, latest: latest
        ) { count in
            done += Int64(count)
            reporter.progress(name, done: done, of: nil)
        }
        for warning in written.warnings { reporter.note(warning) }
        return (written.diffID, written.digest, Int64(written.size))
    }
}
