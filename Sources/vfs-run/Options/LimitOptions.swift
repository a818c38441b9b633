internal import ContainerRuntime
internal import JSON
internal import LinuxSystem

/// The limits of a run, and its report.
extension Option {
    static let timeout = Option(
        "timeout", value: "DURATION",
        "kill the container after this time: 10s, 500ms, 2m; a number is seconds")
    static let processorTime = Option(
        "cpu-time", value: "DURATION",
        "kill the container when all its processes have used this much processor time")
    static let memory = Option(
        "memory", short: "m", value: "SIZE",
        "limit the memory of all processes: 256m, 1g; no swap")
    static let processes = Option(
        "pids-limit", value: "N", "limit the number of processes and threads")
    static let disk = Option(
        "disk", value: "SIZE[,FILES]",
        "limit the size of the upper, and the number of its files: 1g, 1g,100000")
    static let maxOutput = Option(
        "max-output", value: "SIZE",
        "kill the container when its standard output and error are larger: 64m")
    static let resourceLimit = Option(
        "ulimit", value: "NAME=SOFT[:HARD]",
        "set a limit of each process, as nofile=1024 or core=0; may be repeated")
    static let bestEffort = Option(
        "best-effort", "a limit that cannot hold is a warning and not an error")
    static let report = Option(
        "report", value: "FILE", completes: .files,
        "write a report of the run as JSON to FILE, to fd:N, or to standard output (-)")

    /// Of every command that runs a program to its end.
    static let runLimits = [timeout, processorTime, maxOutput, bestEffort, report]
    /// Of those that make a container.
    static let limits = runLimits + [memory, processes, disk, resourceLimit]
}

/// The limits of a command line.
struct LimitOptions {
    /// By their options.
    private(set) var limits = RunLimits()
    /// Limits of each process.
    private(set) var ofProcess: [Setting<Configuration.Limit>] = []
    /// Whether the figures of the run are told.
    private var isReported = false
    /// The most files of the upper.
    private(set) var files: UInt64?
    /// As they are given, for a config.json.
    private(set) var texts: [(name: RunLimits.Name, text: String, words: String)] = []

    private static let options: [(RunLimits.Name, Option)] = [
        (.wallTime, .timeout), (.cpuTime, .processorTime), (.memory, .memory),
        (.processes, .processes), (.output, .maxOutput), (.disk, .disk),
    ]

    init(_ arguments: ParsedArguments) throws(Failure) {
        for (name, option) in LimitOptions.options {
            guard var text = arguments.value(option) else { continue }
            let words = "--\(option.long) \(text.inQuotes)"
            if name == .disk { text = try takeFiles(text) }
            guard let value = RunLimits.value(name, text) else {
                throw Failure("--\(option.long): \"\(text)\" is not \(RunLimits.form(name))")
            }
            limits[name] = Setting(value, .argument("--\(option.long)"))
            texts.append((name, text, words))
        }
        isReported = RunReporter.measures(arguments)
        if arguments.has(.bestEffort) { limits.bestEffort = Set(RunLimits.Name.allCases) }
        for text in arguments.values(.resourceLimit) {
            ofProcess.append(
                Setting(try LimitOptions.resourceLimit(text), .argument("--ulimit")))
        }
    }

    /// `SIZE,FILES`: takes the number of files off.
    private mutating func takeFiles(_ text: String) throws(Failure) -> String {
        let parts = text.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return text }
        guard let number = UInt64(parts[1]), (16...1 << 40).contains(number) else {
            throw Failure(
                "--disk: \(String(parts[1]).inQuotes) is not a number of files from 16 on; write"
                    + " 1g,100000")
        }
        files = number
        return String(parts[0])
    }

    /// Sets them for a run by a config.json that exists.
    func apply(to invocation: inout Invocation) throws(Failure) {
        if files != nil {
            throw Failure(
                "--disk: the number of files is vfs.overlay.inodes in config.json; give a size alone"
            )
        }
        invocation.limits = limits
        invocation.processLimits = ofProcess
        invocation.measures = isReported
    }

    /// `nofile=1024:4096`, as podman takes it; −1 is no limit.
    private static func resourceLimit(_ text: String) throws(Failure) -> Configuration.Limit {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = "RLIMIT_" + parts[0].uppercased()
        guard parts.count == 2,
            let resource = ResourceLimit.allCases.first(where: { $0.name == name })
        else {
            let names = ResourceLimit.allCases.map { $0.name.dropFirst(7).lowercased() }
            throw Failure(
                "--ulimit: \"\(text)\" is not of the form NAME=SOFT[:HARD]; names are "
                    + names.joined(separator: ", "))
        }
        let numbers = parts[1].split(
            separator: ":", maxSplits: 1, omittingEmptySubsequences: false
        ).map { ["-1", "unlimited"].contains($0) ? UInt64.max : UInt64($0) }
        guard let soft = numbers[0], let hard = numbers.count > 1 ? numbers[1] : soft,
            soft <= hard
        else {
            throw Failure(
                "--ulimit: \"\(text)\" has no number, or a soft limit above the hard one; write"
                    + " nofile=1024:4096")
        }
        return Configuration.Limit(resource: resource, soft: soft, hard: hard)
    }
}
