internal import Cgroups
internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

extension Option {
    static let resources = Option(
        "resources", short: "r", value: "FILE", completes: .files,
        "read linux.resources, as config.json describes it, from FILE; - is standard input")
    static let kernelMemory = Option(
        "kernel-memory", value: "SIZE", "accepted for compatibility; the kernel ignores this limit")
    static let kernelMemoryTCP = Option(
        "kernel-memory-tcp", value: "SIZE",
        "accepted for compatibility; the kernel ignores this limit")
    static let cacheSchema = Option(
        "l3-cache-schema", value: "SCHEMA", "the L3 cache allocation (resctrl): L3:0=7f0;1=1f")
    static let bandwidthSchema = Option(
        "mem-bw-schema", value: "SCHEMA",
        "the memory bandwidth allocation (resctrl), in percent: MB:0=20;1=70")
}

/// The new limits of `update`, from a file or from options.
enum UpdatedResources {
    static func read(
        _ file: String, _ arguments: ParsedArguments
    ) throws(Failure) -> Resources {
        let name = file == "-" ? "standard input" : file
        let bytes = try attempt(
            "read", on: name,
            file == "-" ? try FileDescriptor.standardInput.readAll() : try HostPath.read(file))
        let document: JSONDocument
        do {
            document = try JSONDocument(bytes)
        } catch {
            throw Failure(Diagnostic(error, file: name).text)
        }
        let diagnostics = Diagnostics(document, file: name)
        diagnostics.reportDuplicateKeys()
        return try checked(diagnostics, arguments.globals.log) { diagnostic in diagnostic.text }
    }

    private static func checked(
        _ diagnostics: Diagnostics, _ log: Log, _ words: (Diagnostic) -> String
    ) throws(Failure) -> Resources {
        let spec = Spec.Linux.Resources(diagnostics.document.root, diagnostics)
        spec?.check(diagnostics)
        guard let spec, !diagnostics.hasErrors else {
            throw Failure(
                diagnostics.sorted.filter { $0.severity == .error }.map(words))
        }
        for warning in diagnostics.sorted where warning.severity == .warning {
            log.warning("\(warning.path): \(warning.message)")
        }
        return spec
    }

    enum Kind {
        case size
        case number
        case list
    }

    /// An option, and the member of `linux.resources` that it sets.
    struct Field: Sendable {
        let option: Option
        let group: String
        let member: String
        let kind: Kind

        init(
            _ name: String, _ value: String, _ kind: Kind, _ group: String, _ member: String,
            _ help: String
        ) {
            option = Option(name, value: value, help)
            (self.group, self.member, self.kind) = (group, member, kind)
        }
    }

    /// Of two options for one member, the later row counts.
    static let fields: [Field] = [
        Field("memory", "SIZE", .size, "memory", "limit", "the hard memory limit"),
        Field(
            "memory-reservation", "SIZE", .size, "memory", "reservation",
            "the soft memory limit: reclaim down to this under pressure"),
        Field(
            "memory-swap", "SIZE", .size, "memory", "swap", "the limit of memory and swap together"),
        Field("cpu-share", "N", .number, "cpu", "shares", "the same as --cpu-shares"),
        Field(
            "cpu-shares", "N", .number, "cpu", "shares", "the CPU weight relative to other groups"),
        Field(
            "cpu-quota", "MICROSECONDS", .number, "cpu", "quota", "the CPU time in each period"),
        Field("cpu-period", "MICROSECONDS", .number, "cpu", "period", "the length of a period"),
        Field(
            "cpu-burst", "MICROSECONDS", .number, "cpu", "burst",
            "the unused CPU time that may be accumulated"),
        Field(
            "cpu-rt-period", "MICROSECONDS", .number, "cpu", "realtimePeriod",
            "the length of a period of realtime processes"),
        Field(
            "cpu-rt-runtime", "MICROSECONDS", .number, "cpu", "realtimeRuntime",
            "the CPU time of realtime processes in each period"),
        Field("cpuset-cpus", "LIST", .list, "cpu", "cpus", "the allowed CPUs: 0-3,7"),
        Field("cpuset-mems", "LIST", .list, "cpu", "mems", "the allowed memory nodes: 0-3,7"),
        Field("cpu-idle", "N", .number, "cpu", "idle", "1: schedule as SCHED_IDLE"),
        Field("pids-limit", "N", .number, "pids", "limit", "the limit of processes and threads"),
        Field(
            "blkio-weight", "N", .number, "blockIO", "weight",
            "the I/O weight relative to other groups, 10 to 1000"),
    ]

    /// Reads the options as a document, so that the checks of `linux.resources` apply.
    static func given(_ arguments: ParsedArguments) throws(Failure) -> Resources {
        for option in [Option.kernelMemory, .kernelMemoryTCP] where arguments.has(option) {
            arguments.globals.log.warning(
                "--\(option.long): kernel memory settings are ignored: the kernel no longer has them"
            )
        }
        var groups: [(key: String, value: [(key: String, value: JSONOutput)])] = []
        for field in fields {
            guard let text = arguments.value(field.option) else { continue }
            let name = field.option.long
            let value: JSONOutput =
                switch field.kind {
                case .size: .integer(try size(text, name))
                case .number: try number(text, name)
                case .list: .string(text)
                }
            let index = groups.firstIndex { $0.key == field.group } ?? groups.count
            if index == groups.count { groups.append((field.group, [])) }
            groups[index].value.removeAll { $0.key == field.member }
            groups[index].value.append((field.member, value))
        }
        let text = JSONOutput.object(groups.map { ($0.key, .object($0.value)) }).compactText
        let document: JSONDocument
        do {
            document = try JSONDocument(Array(text.utf8))
        } catch {
            throw Failure(error.message)
        }
        let diagnostics = Diagnostics(document, file: "")
        return try checked(diagnostics, arguments.globals.log) { diagnostic in
            let field = fields.last {
                $0.group + "." + $0.member == diagnostic.path && arguments.has($0.option)
            }
            let name = field?.option.long ?? diagnostic.path
            return "invalid value for \(name): \(diagnostic.message)"
        }
    }

    private static func number(
        _ text: String, _ name: String
    ) throws(Failure) -> JSONOutput {
        if let number = Int64(text) { return .integer(number) }
        if let number = UInt64(text) { return .unsigned(number) }
        throw Failure("invalid value for \(name): \"\(text)\" is not a number")
    }

    /// Bytes; the suffixes are powers of 1024.
    private static func size(_ text: String, _ name: String) throws(Failure) -> Int64 {
        if let plain = Int64(text), plain >= -1 { return plain }
        if let bytes = Quantity.bytes(text) { return Int64(bytes) }
        throw Failure(
            "invalid value for \(name): \"\(text)\" is not a size; use a number of bytes, or 512m")
    }
}
