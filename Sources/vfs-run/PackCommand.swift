internal import Archives
internal import Images
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
                + " is, and keeps its digest. Every other one is an error for now.",
        ],
        options: [
            .quiet
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
                let packer = Packer(reporter: reporter) { path, _, _ throws(ImageError) in
                    throw ImageError(
                        "\(path): it is not a layer of an image that is still to be had, and cannot"
                            + " be written anew yet")
                }
                try packer.pack(operands[0], to: path, tag: tag)
            } catch {
                throw CommandError(error.message)
            }
            return 0
        })
}
