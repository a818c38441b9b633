internal import Images
internal import LinuxSystem
internal import SystemPackage

extension Option {
    static let platform = Option(
        "platform", value: "OS/ARCH[/VARIANT]",
        "the platform to select from a multi-platform image; default: this machine's")
    fileprivate static let store = Option(
        "store", value: "DIR", completes: .directories,
        "keep layers in DIR, shared between bundles; default: BUNDLE/layers")
    static let maxSize = Option(
        "max-size", value: "SIZE", "the maximum size of all layers, unpacked; default: 64G")
    static let maxEntries = Option(
        "max-entries", value: "N", "the maximum number of entries in all layers; default: 4000000")
}

extension Command {
    /// `vfs-run unpack`
    static let unpack = Command(
        name: "unpack", summary: "make a bundle from an image or a root file system archive",
        operands: "IMAGE BUNDLE",
        details: [
            "IMAGE is an OCI image layout, oci:DIR[:TAG|@DIGEST] or oci-archive:FILE[:TAG|@DIGEST];"
                + " the output of docker save, docker-archive:FILE[:NAME]; or the path of a tar"
                + " archive of a root file system. FILE may be - for standard input. Archives may be"
                + " compressed with gzip or zstd, and with xz or bzip2 if these programs are"
                + " installed.",
            "BUNDLE is a directory, created if missing. Each layer becomes a directory in"
                + " BUNDLE/layers/sha256, named by its diff-id, which is verified."
                + " BUNDLE/config.json is written last, from the config of the image and the default"
                + " of vfs-run spec: \"vfs-run BUNDLE/config.json\" runs it.",
            "Without root privileges, all files in the layers belong to the caller, and device nodes"
                + " are left out.",
        ],
        options: [.platform, .store, .maxSize, .maxEntries, .noSync, .quiet],
        run: { arguments throws(Failure) in
            let operands = arguments.operands
            let reporter = ConsoleReporter(
                isQuiet: arguments.has(.quiet), arguments.globals.log)
            var unpacker = try unpacker(arguments, reporter)
            unpacker.store = arguments.value(.store)
            unpacker.synchronizes = !arguments.has(.noSync)
            try unpacker.unpack(
                ImageReference(operands[0]), to: operands[1], over: DefaultConfig.json)
            return 0
        })

    /// With the options that say what is taken of an image, and how much.
    static func unpacker(
        _ arguments: ParsedArguments, _ reporter: ConsoleReporter
    ) throws(Failure) -> Unpacker {
        var unpacker = Unpacker(reporter: reporter)
        if let text = arguments.value(.platform) {
            guard let platform = Platform(text) else {
                throw Failure("--platform: \"\(text)\" is not OS/ARCH or OS/ARCH/VARIANT")
            }
            unpacker.platform = platform
        }
        if let text = arguments.value(.maxSize) { unpacker.limits.size = try size(text) }
        if let text = arguments.value(.maxEntries) {
            guard let number = Int(text), number > 0 else {
                throw Failure("--max-entries: \"\(text)\" is not a positive number")
            }
            unpacker.limits.entries = number
        }
        return unpacker
    }

    /// Bytes, or with a suffix K, M, G, T of 1024.
    private static func size(_ text: String) throws(Failure) -> Int64 {
        let shifts: [Character: Int64] = ["K": 10, "M": 20, "G": 30, "T": 40]
        let shift = text.last.flatMap { shifts[$0] }
        let digits = shift == nil ? text[...] : text.dropLast()
        guard let number = Int64(digits), number >= 0, number <= Int64.max >> (shift ?? 0) else {
            throw Failure("--max-size: \"\(text)\" is not a size such as 500M or 20G")
        }
        return number << (shift ?? 0)
    }
}
