/// A kind of limit, and the files of a control group that tell of it.
struct LimitRow: Sendable {
    /// Of version 1; in version 2 the files themselves say whether it is there.
    var controller = ""
    /// Nil where no limit is set.
    var fact: @Sendable (GroupFiles, String) -> LimitFact?

    static let version2: [LimitRow] = [
        LimitRow { files, path in
            guard let limit = files.number("memory.max") else { return nil }
            let ended = files.value("memory.events", "oom_kill") ?? 0
            return LimitFact(
                "memory", limit, use: files.number("memory.current"), .bytes,
                place: path + "/memory.max", events: ended > 0 ? "\(ended) killed for it" : nil)
        },
        LimitRow { files, path in
            guard let limit = files.number("memory.high") else { return nil }
            return LimitFact(
                "memory (throttled above)", limit, use: files.number("memory.current"), .bytes,
                place: path + "/memory.high")
        },
        LimitRow { files, path in
            guard let limit = files.number("memory.swap.max") else { return nil }
            return LimitFact(
                "swap", limit, use: files.number("memory.swap.current"), .bytes,
                place: path + "/memory.swap.max")
        },
        LimitRow { files, path in
            guard let limit = files.number("pids.max") else { return nil }
            let refused = files.value("pids.events", "max") ?? 0
            return LimitFact(
                "pids", limit, use: files.number("pids.current"), .count,
                place: path + "/pids.max", events: refused > 0 ? "\(refused) forks refused" : nil)
        },
        LimitRow { files, path in
            let words = (files.text("cpu.max") ?? "").split { $0 == " " || $0 == "\n" }
            guard words.count == 2, let quota = UInt64(words[0]), let period = UInt64(words[1]),
                period > 0
            else { return nil }
            return LimitFact(
                "cpu", quota &* 1000 / period, use: nil, .processors, place: path + "/cpu.max",
                events: throttling(files))
        },
    ]

    static let version1: [LimitRow] = [
        LimitRow(controller: "memory") { files, path in
            guard let limit = files.number("memory.limit_in_bytes"), limit < 1 << 60 else {
                return nil
            }
            let met = files.number("memory.failcnt") ?? 0
            return LimitFact(
                "memory", limit, use: files.number("memory.usage_in_bytes"), .bytes,
                place: path + "/memory.limit_in_bytes", events: met > 0 ? "met \(met) times" : nil)
        },
        LimitRow(controller: "pids") { files, path in
            guard let limit = files.number("pids.max") else { return nil }
            return LimitFact(
                "pids", limit, use: files.number("pids.current"), .count, place: path + "/pids.max"
            )
        },
        LimitRow(controller: "cpu") { files, path in
            guard let quota = files.number("cpu.cfs_quota_us"),
                let period = files.number("cpu.cfs_period_us"), period > 0
            else { return nil }
            return LimitFact(
                "cpu", quota &* 1000 / period, use: nil, .processors,
                place: path + "/cpu.cfs_quota_us", events: throttling(files))
        },
    ]

    private static func throttling(_ files: GroupFiles) -> String? {
        guard let all = files.value("cpu.stat", "nr_periods"),
            let met = files.value("cpu.stat", "nr_throttled"), met > 0
        else { return nil }
        return "throttled in \(met) of \(all) periods"
    }
}
