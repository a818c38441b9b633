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
                + " ends with the container. With --stats prints the figures once."
        ],
        options: [
            Option(
                long: "interval", value: "DURATION", help: "500ms, 5s, 1m; 5s by default"),
            Option(long: "stats", value: nil, help: "print the figures once and end"),
        ],
        run: { arguments throws(CommandError) in
            _ = try arguments.requireOperands(1...1)
            let interval = try milliseconds(arguments.value("interval") ?? "5s")
            let container: StoredContainer
            do throws(RuntimeError) {
                container = try arguments.container()
                if arguments.has("stats") {
                    let line = try container.statistics().compactText + "\n"
                    try? Output.write(line)
                    return 0
                }
                try container.requireRunning()
            } catch {
                throw CommandError(error.message)
            }
            try follow(container, interval)
            return 0
        })

    private static func follow(
        _ container: StoredContainer, _ interval: UInt64
    ) throws(CommandError) {
        do throws(RuntimeError) {
            var kills = try container.outOfMemoryKills()
            var next = Clock.nanoseconds + interval * 1_000_000
            while true {
                // A killed process is told of soon, whatever the interval is.
                let step = min(next, Clock.nanoseconds + 200_000_000)
                let hasEnded = try container.waitForEnd(until: step)
                let now = try container.outOfMemoryKills()
                for _ in 0..<max(0, now - kills) {
                    let event = JSONOutput.object([
                        ("type", .string("oom")), ("id", .string(container.id.text)),
                    ])
                    try? Output.write(event.compactText + "\n")
                }
                kills = max(kills, now)
                if hasEnded { return }
                if Clock.nanoseconds < next { continue }
                next += interval * 1_000_000
                let line = try container.statistics().compactText + "\n"
                do throws(CommandError) { try Output.write(line) } catch { return }
            }
        } catch {
            throw CommandError(error.message)
        }
    }

    /// As Go writes durations, of one unit.
    private static func milliseconds(_ text: String) throws(CommandError) -> UInt64 {
        let units: [(String, Double)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]
        for (unit, factor) in units where text.hasSuffix(unit) {
            guard let number = Double(text.dropLast(unit.count)) else { continue }
            if number * factor >= 1 { return UInt64(min(number * factor, 1e12)) }
            throw CommandError("duration interval must be greater than 0")
        }
        throw CommandError("--interval: \"\(text)\" is not a duration; write 500ms, 5s or 1m")
    }
}
