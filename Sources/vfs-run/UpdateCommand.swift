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
                    try UpdatedResources.read(file)
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
    static func read(_ file: String) throws(CommandError) -> Resources {
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
        let spec = Spec.Linux.Resources(document.root, diagnostics)
        guard let spec, !diagnostics.hasErrors else {
            throw CommandError(diagnostics.sorted.map(\.text))
        }
        return Resources(spec)
    }

    static func given(_ arguments: ParsedArguments) throws(CommandError) -> Resources {
        for name in ["kernel-memory", "kernel-memory-tcp"] where arguments.has(name) {
            arguments.globals.log.warning(
                "--\(name): kernel memory settings are ignored: kernels have given them up")
        }
        var resources = Resources()
        resources.memory.limit = try size(arguments, "memory")
        resources.memory.reservation = try size(arguments, "memory-reservation")
        resources.memory.swap = try size(arguments, "memory-swap")
        resources.cpu.shares = try number(arguments, "cpu-share", UInt64.self)
        if let shares = try number(arguments, "cpu-shares", UInt64.self) {
            resources.cpu.shares = shares
        }
        resources.cpu.quota = try number(arguments, "cpu-quota", Int64.self)
        resources.cpu.period = try number(arguments, "cpu-period", UInt64.self)
        resources.cpu.burst = try number(arguments, "cpu-burst", UInt64.self)
        resources.cpu.realtimePeriod = try number(arguments, "cpu-rt-period", UInt64.self)
        resources.cpu.realtimeRuntime = try number(arguments, "cpu-rt-runtime", Int64.self)
        resources.cpu.cpus = arguments.value("cpuset-cpus")
        resources.cpu.mems = arguments.value("cpuset-mems")
        resources.cpu.idle = try number(arguments, "cpu-idle", Int64.self)
        resources.pids = try number(arguments, "pids-limit", Int64.self)
        resources.blockIO.weight = try number(arguments, "blkio-weight", UInt16.self)
        return resources
    }

    private static func number<Number: FixedWidthInteger>(
        _ arguments: ParsedArguments, _ name: String, _ type: Number.Type
    ) throws(CommandError) -> Number? {
        guard let text = arguments.value(name) else { return nil }
        guard let number = Number(text) else {
            throw CommandError("invalid value for \(name): \"\(text)\" is not a number")
        }
        return number
    }

    /// Bytes; letters behind the number are powers of 1024.
    private static func size(
        _ arguments: ParsedArguments, _ name: String
    ) throws(CommandError) -> Int64? {
        guard let text = arguments.value(name) else { return nil }
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
