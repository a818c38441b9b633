internal import Cgroups
internal import ContainerRuntime
internal import JSON
internal import LinuxSystem

extension Command {
    /// `vfs-run events ID`
    static let events = Command(
        name: "events", summary: "tell what a container uses, and when it runs out of memory",
        operands: "ID",
        details: [
            "Prints one JSON object a line: {\"type\": \"stats\", \"id\": …, \"data\": …} every"
                + " interval, {\"type\": \"oom\", …} when the kernel has killed for want of memory;"
                + " ends with the container. With --stats prints the figures once.",
            "With --memory-pressure also {\"type\": \"memory-pressure\", \"data\": {\"level\": …}},"
                + " every second that it lasts.",
        ],
        options: [
            Option(
                long: "interval", value: "DURATION", help: "500ms, 5s, 1m; 5s by default"),
            Option(long: "stats", value: nil, help: "print the figures once and end"),
            Option(
                long: "memory-pressure", value: "LEVEL",
                help: "also tell when memory is scarce: low, medium or critical",
                completes: .words(MemoryPressure.allCases.map(\.rawValue))),
        ],
        run: { arguments throws(CommandError) in
            _ = try arguments.requireOperands(1...1)
            let interval = try milliseconds(arguments.value("interval") ?? "5s")
            let pressure = try pressure(arguments.value("memory-pressure"))
            let container: StoredContainer
            do throws(RuntimeError) {
                container = try arguments.container()
                if arguments.has("stats") {
                    let line = try container.statistics().compactText + "\n"
                    try? Output.write(line)
                    return 0
                }
            } catch {
                throw CommandError(error.message)
            }
            try follow(container, interval, pressure)
            return 0
        })

    private static func follow(
        _ container: StoredContainer, _ interval: UInt64, _ pressure: MemoryPressure?
    ) throws(CommandError) {
        do throws(RuntimeError) {
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
                do throws(RuntimeError) {
                    try write(try container.statistics())
                } catch {
                    // It may have ended since; the kernel tells of it a moment later.
                    let moment = Clock.nanoseconds + 1_000_000_000
                    if try watch.next(until: moment).contains(.ended) { return }
                    throw error
                }
            }
        } catch {
            // Nobody reads any more.
            if error.message.isEmpty { return }
            throw CommandError(error.message)
        }
    }

    private static func tell(
        _ type: String, _ data: JSONOutput?, _ container: StoredContainer
    ) throws(RuntimeError) {
        var members: [(key: String, value: JSONOutput)] = [
            ("type", .string(type)), ("id", .string(container.id.text)),
        ]
        if let data { members.append(("data", data)) }
        try write(.object(members))
    }

    private static func write(_ event: JSONOutput) throws(RuntimeError) {
        do throws(CommandError) {
            try Output.write(event.compactText + "\n")
        } catch {
            throw RuntimeError("")
        }
    }

    private static func pressure(_ word: String?) throws(CommandError) -> MemoryPressure? {
        guard let word else { return nil }
        guard let level = MemoryPressure(rawValue: word) else {
            throw CommandError(
                "--memory-pressure: \"\(word)\" is not a level; low, medium and critical are known")
        }
        return level
    }

    /// As Go writes durations: `1m30s`, `1.5h`.
    private static func milliseconds(_ text: String) throws(CommandError) -> UInt64 {
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
                throw CommandError(
                    "--interval: \"\(text)\" is not a duration; write 500ms, 5s or 1m")
            }
            sum += amount * factor
        } while !rest.isEmpty
        if sum < 1 { throw CommandError("duration interval must be greater than 0") }
        return UInt64(min(sum, 1e12))
    }
}
