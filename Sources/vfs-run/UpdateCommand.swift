internal import Cgroups
internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

extension Command {
    /// `vfs-run update ID`
    static let update = Command(
        name: "update", summary: "change the limits of a container", operands: "ID",
        details: [
            "What no option names stays as it is. Sizes are bytes, with k, m, g or t behind them"
                + " binary thousands; -1 is no limit. With --resources the other options say nothing."
        ],
        options: [
            Option(
                long: "resources", short: "r", value: "FILE",
                help: "take linux.resources of the specification from FILE, - is standard input",
                completes: .files),
            Option(long: "memory", value: "SIZE", help: "the most memory"),
            Option(
                long: "memory-reservation", value: "SIZE",
                help: "the memory that is taken back down to when it grows scarce"),
            Option(long: "memory-swap", value: "SIZE", help: "the most memory and swap together"),
            Option(long: "cpu-share", value: "N", help: "its weight against others"),
            Option(long: "cpu-shares", value: "N", help: "the same"),
            Option(long: "cpu-quota", value: "MICROSECONDS", help: "the time in a period"),
            Option(long: "cpu-period", value: "MICROSECONDS", help: "the length of a period"),
            Option(long: "cpu-burst", value: "MICROSECONDS", help: "unused time it may save up"),
            Option(long: "cpu-rt-period", value: "MICROSECONDS", help: "the realtime period"),
            Option(long: "cpu-rt-runtime", value: "MICROSECONDS", help: "the realtime runtime"),
            Option(long: "cpuset-cpus", value: "LIST", help: "the processors: 0-3,7"),
            Option(long: "cpuset-mems", value: "LIST", help: "the memory nodes: 0-3,7"),
            Option(long: "cpu-idle", value: "N", help: "1: only what nobody else wants"),
            Option(long: "pids-limit", value: "N", help: "the most processes and threads"),
            Option(long: "blkio-weight", value: "N", help: "its weight at devices, 10 to 1000"),
            Option(
                long: "kernel-memory", value: "SIZE",
                help: "accepted for callers that give it: kernels have given it up"),
            Option(long: "kernel-memory-tcp", value: "SIZE", help: "the same"),
            Option(
                long: "l3-cache-schema", value: "SCHEMA",
                help: "the parts of the third-level caches: L3:0=7f0;1=1f"),
            Option(
                long: "mem-bw-schema", value: "SCHEMA",
                help: "the bandwidth to memory, in percent: MB:0=20;1=70"),
        ],
        run: { arguments throws(CommandError) in
            _ = try arguments.requireOperands(1...1)
            let resources =
                if let file = arguments.value("resources") {
                    try UpdatedResources.read(file, arguments)
                } else {
                    try UpdatedResources.given(arguments)
                }
            do throws(RuntimeError) {
                try arguments.container().update(
                    resources, l3CacheSchema: arguments.value("l3-cache-schema"),
                    memoryBandwidthSchema: arguments.value("mem-bw-schema"))
            } catch {
                throw CommandError(error.message)
            }
            return 0
        })
}

/// Where `update` has the new limits from.
private enum UpdatedResources {
    static func read(
        _ file: String, _ arguments: ParsedArguments
    ) throws(CommandError) -> Resources {
        let name = file == "-" ? "standard input" : file
        let bytes: [UInt8]
        do throws(Errno) {
            if file == "-" {
                bytes = try FileDescriptor.standardInput.readAll()
            } else {
                bytes = try HostPath.read(file)
            }
        } catch {
            throw CommandError("\(name): \(error.words)")
        }
        let document: JSONDocument
        do {
            document = try JSONDocument(bytes)
        } catch {
            throw CommandError(Diagnostic(error, file: name).text)
        }
        let diagnostics = Diagnostics(document, file: name)
        diagnostics.reportDuplicateKeys()
        return try checked(diagnostics, arguments.globals.log) { diagnostic in diagnostic.text }
    }

    private static func checked(
        _ diagnostics: Diagnostics, _ log: Log, _ words: (Diagnostic) -> String
    ) throws(CommandError) -> Resources {
        let spec = Spec.Linux.Resources(diagnostics.document.root, diagnostics)
        spec?.check(diagnostics)
        guard let spec, !diagnostics.hasErrors else {
            throw CommandError(
                diagnostics.sorted.filter { $0.severity == .error }.map(words))
        }
        for warning in diagnostics.sorted where warning.severity == .warning {
            log.warning("\(warning.path): \(warning.message)")
        }
        return spec
    }

    private enum Kind {
        case size
        case number
        case list
    }

    /// Where in `linux.resources` an option stands; of two of one field the later counts.
    private static let fields: [(option: String, group: String, field: String, kind: Kind)] = [
        ("memory", "memory", "limit", .size),
        ("memory-reservation", "memory", "reservation", .size),
        ("memory-swap", "memory", "swap", .size),
        ("cpu-share", "cpu", "shares", .number), ("cpu-shares", "cpu", "shares", .number),
        ("cpu-quota", "cpu", "quota", .number), ("cpu-period", "cpu", "period", .number),
        ("cpu-burst", "cpu", "burst", .number),
        ("cpu-rt-period", "cpu", "realtimePeriod", .number),
        ("cpu-rt-runtime", "cpu", "realtimeRuntime", .number),
        ("cpuset-cpus", "cpu", "cpus", .list), ("cpuset-mems", "cpu", "mems", .list),
        ("cpu-idle", "cpu", "idle", .number), ("pids-limit", "pids", "limit", .number),
        ("blkio-weight", "blockIO", "weight", .number),
    ]

    /// The document that the options come to, so that what holds of one holds of them.
    static func given(_ arguments: ParsedArguments) throws(CommandError) -> Resources {
        for name in ["kernel-memory", "kernel-memory-tcp"] where arguments.has(name) {
            arguments.globals.log.warning(
                "--\(name): kernel memory settings are ignored: kernels have given them up")
        }
        var groups: [(key: String, value: [(key: String, value: JSONOutput)])] = []
        for (option, group, field, kind) in fields {
            guard let text = arguments.value(option) else { continue }
            let value: JSONOutput =
                switch kind {
                case .size: .integer(try size(text, option))
                case .number: try number(text, option)
                case .list: .string(text)
                }
            let index = groups.firstIndex { $0.key == group } ?? groups.count
            if index == groups.count { groups.append((group, [])) }
            groups[index].value.removeAll { $0.key == field }
            groups[index].value.append((field, value))
        }
        let text = JSONOutput.object(groups.map { ($0.key, .object($0.value)) }).compactText
        let document: JSONDocument
        do {
            document = try JSONDocument(Array(text.utf8))
        } catch {
            throw CommandError(error.message)
        }
        let diagnostics = Diagnostics(document, file: "")
        return try checked(diagnostics, arguments.globals.log) { diagnostic in
            let option = fields.last {
                $0.group + "." + $0.field == diagnostic.path && arguments.has($0.option)
            }
            return "invalid value for \(option?.option ?? diagnostic.path): \(diagnostic.message)"
        }
    }

    private static func number(
        _ text: String, _ name: String
    ) throws(CommandError) -> JSONOutput {
        if let number = Int64(text) { return .integer(number) }
        if let number = UInt64(text) { return .unsigned(number) }
        throw CommandError("invalid value for \(name): \"\(text)\" is not a number")
    }

    /// Bytes; letters behind the number are powers of 1024.
    private static func size(_ text: String, _ name: String) throws(CommandError) -> Int64 {
        if let plain = Int64(text), plain >= -1 { return plain }
        let letters = text.lowercased().drop { $0.isNumber }
        let shifts = ["b": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50]
        let unit = letters.first.map(String.init) ?? ""
        let endings = [unit, unit + "b", unit + "ib"]
        guard let shift = shifts[unit], endings.contains(String(letters)),
            let number = Int64(text.prefix(text.count - letters.count)),
            number <= Int64.max >> shift
        else {
            throw CommandError(
                "invalid value for \(name): \"\(text)\" is not a size; write bytes, or 512m")
        }
        return number << shift
    }
}
