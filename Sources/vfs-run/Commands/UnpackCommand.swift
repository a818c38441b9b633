internal import Images
internal import LinuxSystem
internal import SystemPackage

extension Option {
    static let quiet = Option(
        long: "quiet", short: "q", value: nil, help: "show no progress and no notes")
    static let noSync = Option(
        long: "no-sync", value: nil,
        help: "do not wait until what is written is on the disk; for what can be made again")
}

extension Command {
    /// `vfs-run unpack`
    static let unpack = Command(
        name: "unpack", summary: "make a bundle of an image or of a rootfs tarball",
        operands: "IMAGE BUNDLE",
        details: [
            "IMAGE is oci:DIR[:TAG|@DIGEST] or oci-archive:FILE[:TAG|@DIGEST], an OCI image layout;"
                + " docker-archive:FILE[:NAME], what docker save writes; or the path of a tar of a"
                + " root file system. FILE may be - for standard input, and is plain or compressed"
                + " by gzip, zstd, xz or bzip2, the last two through their programs.",
            "BUNDLE is a directory, made if need be. Every layer becomes a directory in"
                + " BUNDLE/layers/sha256, named by its diff-id and verified; BUNDLE/config.json is"
                + " written last, from the image's config over that of vfs-run spec, and can be run"
                + " at once: vfs-run BUNDLE/config.json.",
            "As an ordinary user everything in the layers becomes the user's own, and devices are"
                + " left out.",
        ],
        options: [
            Option(
                long: "platform", value: "OS/ARCH[/VARIANT]",
                help: "which image of several to take, this machine's by default"),
            Option(
                long: "store", value: "DIR",
                help: "keep layers in DIR, where other bundles find them, instead of BUNDLE/layers",
                completes: .directories),
            Option(
                long: "max-size", value: "SIZE",
                help: "the most that all layers hold unpacked: 64G by default"),
            Option(
                long: "max-entries", value: "N",
                help: "the most entries of all layers: 4000000 by default"),
            .noSync, .quiet,
        ],
        run: { arguments throws(CommandError) in
            let operands = try arguments.requireOperands(2...2)
            do throws(ImageError) {
                let reporter = ConsoleReporter(
                    isQuiet: arguments.has("quiet"), arguments.globals.log)
                var unpacker = Unpacker(reporter: reporter)
                if let text = arguments.value("platform") {
                    guard let platform = Platform(text) else {
                        throw ImageError(
                            "--platform: \"\(text)\" is not OS/ARCH or OS/ARCH/VARIANT")
                    }
                    unpacker.platform = platform
                }
                unpacker.store = arguments.value("store")
                if let text = arguments.value("max-size") {
                    unpacker.limits.size = try size(text)
                }
                if let text = arguments.value("max-entries") {
                    guard let number = Int(text), number > 0 else {
                        throw ImageError("--max-entries: \"\(text)\" is not a number of entries")
                    }
                    unpacker.limits.entries = number
                }
                unpacker.synchronizes = !arguments.has("no-sync")
                try unpacker.unpack(
                    ImageReference(operands[0]), to: operands[1], over: DefaultConfig.json)
            } catch {
                throw CommandError(error.message)
            }
            return 0
        })

    /// Bytes, or with a suffix K, M, G, T of 1024.
    private static func size(_ text: String) throws(ImageError) -> Int64 {
        let shifts: [Character: Int64] = ["K": 10, "M": 20, "G": 30, "T": 40]
        let shift = text.last.flatMap { shifts[$0] }
        let digits = shift == nil ? text[...] : text.dropLast()
        guard let number = Int64(digits), number >= 0, number <= Int64.max >> (shift ?? 0) else {
            throw ImageError("--max-size: \"\(text)\" is not a size like 500M or 20G")
        }
        return number << (shift ?? 0)
    }
}
