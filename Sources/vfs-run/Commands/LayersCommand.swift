internal import ContainerRuntime
internal import Images
internal import JSON
internal import Layers
internal import LinuxSystem

extension Command {
    /// `vfs-run layers DIR`
    static let layers = Command(
        name: "layers", summary: "print what each layer adds, removes and wastes",
        operands: "IMAGE|CONFIG.json|DIR|ID",
        details: [
            "CONFIG.json, or DIR with one, is a bundle: an image that was unpacked has its layers there."
                + " DIR can also be a directory of --upper, and ID a running container. Prints a line for"
                + " each layer, the bottom first: its files and bytes, the names of lower layers that it"
                + " removes, and of its own files those that a later layer replaces or removes.",
            "IMAGE is an image as for unpack: oci:DIR, oci-archive:FILE, docker-archive:FILE, each with"
                + " :TAG behind it where there are several, or a directory with an OCI image layout. It"
                + " is read and verified, and not unpacked; without --max-entries it has at most"
                + " 1000000.",
            "What is hidden is in the image and never seen: it is downloaded and stored for nothing."
                + " --json prints an array of {\"layer\", \"files\", \"bytes\", \"removed\", \"emptied\","
                + " \"hidden_files\", \"hidden_bytes\"}.",
        ],
        options: [
            .json, .belowUpper, .userAttributes, .platform, .maxSize, .maxEntries, .quiet,
        ],
        run: { arguments throws(Failure) in
            let rows: [LayerRow]
            if let image = try image(arguments) {
                rows = image.map { LayerRow(name: $0, usage: $1) }
            } else {
                let (names, stack) = try named(arguments)
                rows = zip(names, try LayerUsage.all(stack)).map { LayerRow(name: $0, usage: $1) }
            }
            try Output.write(
                arguments.has(.json)
                    ? JSONOutput.array(rows.map(\.json)).prettyText : LayerRow.text(rows))
            return 0
        })

    private static let mostEntries = 1_000_000

    /// The layers of a saved image; nil for what is none.
    private static func image(
        _ arguments: ParsedArguments
    ) throws(Failure) -> [(name: String, usage: LayerUsage)]? {
        let operand = arguments.operands[0]
        var reference = operand
        if (try? FileStatus.of(path: operand + "/oci-layout"))?.kind == .regular {
            reference = "oci:" + operand
        } else if !["oci:", "oci-archive:", "docker-archive:"].contains(where: operand.hasPrefix) {
            guard !operand.hasSuffix(".json"),
                (try? FileStatus.of(path: operand))?.kind == .regular
            else { return nil }
            // A tar archive of a root file system.
        }
        let folder = CurrentProcess.environment("TMPDIR") ?? "/var/tmp"
        let reporter = ConsoleReporter(isQuiet: arguments.has(.quiet), arguments.globals.log)
        var unpacker = try unpacker(arguments, reporter)
        // All of their names are in memory at once.
        if !arguments.has(.maxEntries) { unpacker.limits.entries = mostEntries }
        return try unpacker.usage(of: ImageReference(reference), spoolingIn: folder)
    }

    /// The layers, bottom first, and their stack.
    private static func named(
        _ arguments: ParsedArguments
    ) throws(Failure) -> (names: [String], stack: LayerStack) {
        let operand = arguments.operands[0]
        let config = operand.hasSuffix(".json") ? operand : operand + "/config.json"
        guard (try? FileStatus.of(path: config))?.kind == .regular else {
            let source = try UpperSource(arguments)
            if source.isInUse { arguments.globals.log.warning(source.warning) }
            let uppers = source.stack.roots.count - source.layers.count
            let names = (0..<max(uppers, 0)).map { $0 == 0 ? "the upper" : "snapshot \($0)" }
            return (source.layers + names.reversed(), source.stack)
        }
        let named = try ParsedArguments([config], of: .plan, globals: arguments.globals)
        let layers = try LoadedConfig(named, rehearses: true).plan.layers
        guard let top = layers.last else {
            throw Failure("\(config.inQuotes) has no layers: its root is a directory")
        }
        let upper = LayerDirectory(
            try attempt("open", on: top, try HostPath.open(top, [.readOnly, .directory])), layer: 0)
        return (
            layers,
            try LayerStack(uppers: [upper], over: Array(layers.dropLast()), marks: OverlayMarks.own)
        )
    }
}

private struct LayerRow {
    let name: String
    let usage: LayerUsage

    var json: JSONOutput {
        [
            "layer": .string(name), "files": .integer(Int64(usage.files)),
            "bytes": .unsigned(usage.bytes), "removed": .integer(Int64(usage.removed)),
            "emptied": .integer(Int64(usage.emptied)),
            "hidden_files": .integer(Int64(usage.hiddenFiles)),
            "hidden_bytes": .unsigned(usage.hiddenBytes),
        ]
    }

    static func text(_ rows: [LayerRow]) -> String {
        var text = "   files    bytes  removes   hidden by later layers  layer\n"
        var total = LayerUsage()
        for row in rows {
            text += line(row.usage, row.name.printable(upTo: .longestName))
            total.files += row.usage.files
            total.bytes.add(upToLimit: row.usage.bytes)
            total.removed += row.usage.removed
            total.emptied += row.usage.emptied
            total.hiddenFiles += row.usage.hiddenFiles
            total.hiddenBytes.add(upToLimit: row.usage.hiddenBytes)
        }
        return text + line(total, "in all")
    }

    private static func line(_ usage: LayerUsage, _ name: String) -> String {
        let files = usage.hiddenFiles == 1 ? "1 file" : "\(usage.hiddenFiles) files"
        let hidden =
            usage.hiddenFiles == 0 ? "" : "\(files), \(Bytes.words(usage.hiddenBytes))"
        return right("\(usage.files)", 8) + right(Bytes.words(usage.bytes), 9)
            + right("\(usage.removed + usage.emptied)", 9) + right(hidden, 25) + "  \(name)\n"
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(width - text.count, 0)) + text
    }
}
