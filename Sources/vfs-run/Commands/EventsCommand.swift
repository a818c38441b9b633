internal import Cgroups
internal import ContainerRuntime
internal import JSON
internal import LinuxSystem

extension Option {
    fileprivate static let interval = Option(
        "interval", value: "DURATION", "the interval of the statistics: 500ms, 5s, 1m; default: 5s")
    fileprivate static let statistics = Option("stats", "print the statistics once and exit")
    fileprivate static let pressure = Option(
        "memory-pressure", value: "LEVEL",
        completes: .words(MemoryPressure.allCases.map(\.rawValue)),
        "also report memory pressure: low, medium or critical")
}

extension Command {
    /// `vfs-run events ID`
    static let events = Command(
        name: "events", summary: "report the resource usage and out-of-memory kills of a container",
        operands: "ID",
        details: [
            "Prints a JSON object a line until the container ends: {\"type\": \"stats\", \"id\": …,"
                + " \"data\": …} at every interval, and {\"type\": \"oom\", …} after an out-of-memory"
                + " kill. --stats prints the statistics once.",
            "--memory-pressure adds {\"type\": \"memory-pressure\", \"data\": {\"level\": …}} in every"
                + " second with memory pressure.",
        ],
        options: [.interval, .statistics, .pressure], isOfContainers: true,
        run: { arguments throws(Failure) in
            let interval = try milliseconds(arguments.value(.interval) ?? "5s")
            let pressure = try pressure(arguments.value(.pressure))
            let container = try arguments.container()
            if arguments.has(.statistics) {
                let line = try container.statistics().compactText + "\n"
                try? Output.write(line)
                return 0
            }
            try follow(container, interval, pressure)
            return 0
        })

    private static func follow(
        _ container: StoredContainer, _ interval: UInt64, _ pressure: MemoryPressure?
    ) throws(Failure) {
        do throws(Failure) {
            let watch = try container.watch(memoryPressure: pressure)
            var next = Clock.nanoseconds + interval * 1_000_000
            while true {
                for event in try watch.next(until: next) {
                    switch event {
                    case .ended: return
                    case .outOfMemory: try tell("oom", nil, container)
                    case .memoryPressure:
                        try tell(
                            "memory-pressure",
                            .object([("level", .string(pressure?.rawValue ?? ""))]), container)
                    }
                }
                if Clock.nanoseconds < next { continue }
                next += interval * 1_000_000
                do throws(Failure) {
                    try write(try container.statistics())
                } catch {
                    // The container may have ended; the kernel reports that a moment later.
                    let moment = Clock.nanoseconds + 1_000_000_000
                    if try watch.next(until: moment).contains(.ended) { return }
                    throw error
                }
            }
        } catch {
            // The reader of standard output is gone.
            if error.message.isEmpty { return }
            throw error
        }
    }

    private static func tell(
        _ type: String, _ data: JSONOutput?, _ container: StoredContainer
    ) throws(Failure) {
        var members: [(key: String, value: JSONOutput)] = [
            ("type", .string(type)), ("id", .string(container.id.text)),
        ]
        if let data { members.append(("data", data)) }
        try write(.object(members))
    }

    private static func write(_ event: JSONOutput) throws(Failure) {
        do throws(Failure) {
            try Output.write(event.compactText + "\n")
        } catch {
            throw Failure("")
        }
    }

    private static func pressure(_ word: String?) throws(Failure) -> MemoryPressure? {
        guard let word else { return nil }
        guard let level = MemoryPressure(rawValue: word) else {
            throw Failure(
                "--memory-pressure: unknown level \"\(word)\"; use low, medium or critical")
        }
        return level
    }

    /// A duration in the format of Go: `1m30s`, `1.5h`.
    private static func milliseconds(_ text: String) throws(Failure) -> UInt64 {
        let units = [
            "ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000,
        ]
        var rest = text[...]
        var sum = 0.0
        repeat {
            let number = rest.prefix { $0.isNumber || $0 == "." }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { !$0.isNumber && $0 != "." }
            rest = rest.dropFirst(unit.count)
            guard let amount = Double(number), let factor = units[String(unit)] else {
                if text == "0" || text.hasPrefix("-") { break }
                throw Failure(
                    "--interval: \"\(text)\" is not a duration; use 500ms, 5s or 1m")
            }
            sum += amount * factor
        } while !rest.isEmpty
        if sum < 1 { throw Failure("duration interval must be greater than 0") }
        return UInt64(min(sum, 1e12))
    }
}
