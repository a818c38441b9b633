public import JSON

extension ControlGroup {
    /// What the container has used so far: the `data` of an event, as runc writes it. Times in
    /// nanoseconds, sizes in bytes. What is zero, or not counted on this host, is left out where
    /// runc leaves it out.
    ///
    /// - Parameter resctrl: The container's group of resctrl, where it has one.
    public func statistics(resctrl: ResctrlGroup? = nil) -> JSONOutput {
        let counted = Measurement(group: self)
        return .object([
            ("cpu", counted.cpu), ("cpuset", counted.cpuset), ("memory", counted.memory),
            ("pids", counted.pids), ("blkio", counted.blockIO), ("hugetlb", counted.hugepages),
            ("intel_rdt", resctrl?.statistics() ?? .object([])),
            ("network_interfaces", .null),
        ])
    }
}

/// What the kernel has counted at one moment: no file is read that nothing is printed of, and none
/// twice.
private struct Measurement {
    let group: ControlGroup
    private let texts = TextsRead()

    init(group: ControlGroup) { self.group = group }

    /// The files of a controller that the container has a cgroup of its own in.
    private func files(_ controller: String) -> Files? {
        group.directory(of: controller).map {
            Files(directory: $0.path, isVersion2: $0.isVersion2, texts: texts)
        }
    }

    // MARK: Processor

    var cpu: JSONOutput {
        var usage = Figures()
        var throttling = Figures()
        var pressure: JSONOutput?
        if let files = files("cpuacct") {
            if files.isVersion2 {
                usage.add("total", files.value("cpu.stat", "usage_usec").map { $0 * 1000 })
                usage.addAlways("kernel", files.value("cpu.stat", "system_usec").map { $0 * 1000 })
                usage.addAlways("user", files.value("cpu.stat", "user_usec").map { $0 * 1000 })
            } else {
                let perCPU = files.table("cpuacct.usage_all").dropFirst()
                func column(_ index: Int) -> [UInt64] {
                    perCPU.compactMap { $0.count > index ? UInt64($0[index]) : nil }
                }
                usage.add("total", files.number("cpuacct.usage"))
                usage.add(
                    "percpu",
                    files.read("cpuacct.usage_percpu").split(separator: " ").compactMap {
                        UInt64($0)
                    })
                usage.add("percpu_kernel", column(2))
                usage.add("percpu_user", column(1))
                usage.addAlways("kernel", files.number("cpuacct.usage_sys"))
                usage.addAlways("user", files.number("cpuacct.usage_user"))
            }
        } else {
            usage.addAlways("kernel", 0)
            usage.addAlways("user", 0)
        }
        if let files = files("cpu") {
            let time =
                files.isVersion2
                ? files.value("cpu.stat", "throttled_usec").map { $0 * 1000 }
                : files.value("cpu.stat", "throttled_time")
            throttling.add("periods", files.value("cpu.stat", "nr_periods"))
            throttling.add("throttledPeriods", files.value("cpu.stat", "nr_throttled"))
            throttling.add("throttledTime", time)
            pressure = files.pressure("cpu.pressure")
        }
        var all = Figures()
        all.add("usage", usage.json)
        if !throttling.isEmpty { all.add("throttling", throttling.json) }
        all.add("psi", pressure)
        return all.json
    }

    var cpuset: JSONOutput {
        var all = Figures()
        // In version 2 the sets of a cgroup that has none are those above it.
        let files = files("cpuset").flatMap { $0.isVersion2 ? nil : $0 }
        func list(_ name: String) -> [UInt64] {
            files?.read("cpuset." + name).split(separator: ",").flatMap { range -> [UInt64] in
                let ends = range.split(separator: "-").compactMap { UInt64($0) }
                guard let first = ends.first, let last = ends.last, first <= last, last < 65536
                else { return [] }
                return Array(first...last)
            } ?? []
        }
        all.add("cpus", list("cpus"))
        all.addAlways("cpu_exclusive", files?.number("cpuset.cpu_exclusive"))
        all.add("mems", list("mems"))
        for name in [
            "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page",
            "memory_spread_slab", "memory_pressure", "sched_load_balance",
        ] {
            all.addAlways(name, files?.number("cpuset." + name))
        }
        let level = files.flatMap { Int64($0.read("cpuset.sched_relax_domain_level")) }
        all.add("sched_relax_domain_level", .integer(level ?? 0))
        return all.json
    }

    // MARK: Memory and processes

    var memory: JSONOutput {
        var all = Figures()
        guard let files = files("memory") else { return all.json }
        let raw = files.table("memory.stat").compactMap { words in
            words.count == 2 ? UInt64(words[1]).map { (String(words[0]), $0) } : nil
        }
        func stat(_ name: String) -> UInt64? { raw.first { $0.0 == name }?.1 }
        all.add("cache", stat(files.isVersion2 ? "file" : "cache"))
        if files.isVersion2 {
            let limit = files.limit("memory.max")
            let usage = files.number("memory.current") ?? 0
            all.add(
                "usage",
                Figures.memory(
                    limit: limit, usage: usage, most: files.number("memory.peak"),
                    failures: files.value("memory.events", "max")))
            // As version 1 counts it: memory and swap together.
            if let swap = files.number("memory.swap.current") {
                let (both, isUnlimited) = (limit ?? .max).addingReportingOverflow(
                    files.limit("memory.swap.max") ?? .max)
                all.add(
                    "swap",
                    Figures.memory(
                        limit: isUnlimited ? .max : both, usage: swap + usage, most: nil,
                        failures: files.value("memory.swap.events", "fail")))
            }
            all.add("kernel", Figures.memory(limit: 0, usage: stat("kernel") ?? 0))
        } else {
            for (key, name) in [
                ("usage", ""), ("swap", "memsw."), ("kernel", "kmem."), ("kernelTCP", "kmem.tcp."),
            ] {
                guard let usage = files.number("memory.\(name)usage_in_bytes") else { continue }
                all.add(
                    key,
                    Figures.memory(
                        limit: files.number("memory.\(name)limit_in_bytes"), usage: usage,
                        most: files.number("memory.\(name)max_usage_in_bytes"),
                        failures: files.number("memory.\(name)failcnt")))
            }
        }
        if !raw.isEmpty {
            let sorted = raw.sorted { $0.0 < $1.0 }
            all.add("raw", .object(sorted.map { ($0.0, .unsigned($0.1)) }))
        }
        all.add("psi", files.pressure("memory.pressure"))
        return all.json
    }

    var pids: JSONOutput {
        var all = Figures()
        guard let files = files("pids") else { return all.json }
        // Every cgroup of version 2 knows its processes, with the controller or without.
        let current = files.number("pids.current")
        all.add("current", current ?? (try? group.processes().count).map { UInt64($0) })
        all.add("peak", files.number("pids.peak"))
        let limit = files.limit("pids.max")
        if limit != .max { all.add("limit", limit) }
        return all.json
    }

    // MARK: Block I/O and huge pages

    var blockIO: JSONOutput {
        var all = Figures()
        guard let files = files("blkio") else { return all.json }
        if files.isVersion2 {
            func entries(_ keys: [(key: String, operation: String)]) -> JSONOutput? {
                var found: [JSONOutput] = []
                for words in files.table("io.stat") {
                    guard let device = words.first else { continue }
                    for (key, operation) in keys {
                        for word in words where word.hasPrefix(key + "=") {
                            found.append(
                                Figures.entry(
                                    device, operation, UInt64(word.dropFirst(key.count + 1))))
                        }
                    }
                }
                return found.isEmpty ? nil : .array(found)
            }
            all.add(
                "ioServiceBytesRecursive", entries([("rbytes", "Read"), ("wbytes", "Write")]))
            all.add("ioServicedRecursive", entries([("rios", "Read"), ("wios", "Write")]))
        } else {
            for (key, names) in [
                ("ioServiceBytesRecursive", "io_service_bytes"),
                ("ioServicedRecursive", "io_serviced"), ("ioQueueRecursive", "io_queued"),
                ("ioServiceTimeRecursive", "io_service_time"),
                ("ioWaitTimeRecursive", "io_wait_time"), ("ioMergedRecursive", "io_merged"),
                ("ioTimeRecursive", "time"), ("sectorsRecursive", "sectors"),
            ] {
                all.add(key, blockEntries(files, names))
            }
        }
        all.add("psi", files.pressure("io.pressure"))
        return all.json
    }

    /// From the scheduler that counts, or else from the throttling layer, which always does.
    private func blockEntries(_ files: Files, _ name: String) -> JSONOutput? {
        for file in [
            "blkio.bfq.\(name)_recursive", "blkio.\(name)_recursive",
            "blkio.throttle.\(name)_recursive",
        ] {
            let entries = files.table(file).compactMap { words -> JSONOutput? in
                guard words.count >= 2, words[0].contains(":"), let value = UInt64(words.last ?? "")
                else { return nil }
                return Figures.entry(words[0], words.count > 2 ? String(words[1]) : "", value)
            }
            if !entries.isEmpty { return .array(entries) }
        }
        return nil
    }

    var hugepages: JSONOutput {
        guard let files = files("hugetlb") else { return .object([]) }
        let usage = files.isVersion2 ? ".current" : ".usage_in_bytes"
        return .object(
            HugePages.sizes.compactMap { size in
                let prefix = "hugetlb.\(size)"
                let reserved = prefix + ".rsvd"
                let name = files.number(reserved + usage) != nil ? reserved : prefix
                guard let used = files.number(name + usage) else { return nil }
                var figures = Figures()
                figures.add("usage", used)
                if files.isVersion2 {
                    figures.addAlways("failcnt", files.value(prefix + ".events", "max"))
                } else {
                    figures.add("max", files.number(name + ".max_usage_in_bytes"))
                    figures.addAlways("failcnt", files.number(name + ".failcnt"))
                }
                return (size, figures.json)
            })
    }
}

/// Files by their paths: several figures stand in one.
private final class TextsRead {
    private var texts: [(path: String, text: String)] = []

    func text(_ directory: String, _ name: String) -> String {
        let path = directory + "/" + name
        if let known = texts.first(where: { $0.path == path }) { return known.text }
        let text = GroupFile.read(directory, name) ?? ""
        texts.append((path, text))
        return text
    }
}

/// The files of one directory as figures.
private struct Files {
    let directory: String
    let isVersion2: Bool
    let texts: TextsRead

    func read(_ name: String) -> String { texts.text(directory, name) }

    func number(_ name: String) -> UInt64? { UInt64(read(name)) }

    /// `max` as the greatest number.
    func limit(_ name: String) -> UInt64? {
        let text = read(name)
        return text == "max" ? .max : UInt64(text)
    }

    func value(_ name: String, _ key: String) -> UInt64? {
        GroupFile.value(in: read(name), key: key)
    }

    /// Lines of words.
    func table(_ name: String) -> [[Substring]] {
        read(name).split(separator: "\n").map { $0.split(separator: " ") }
    }

    /// How long processes have waited for want of it; nil in version 1 and where the kernel does
    /// not count.
    func pressure(_ name: String) -> JSONOutput? {
        if !isVersion2 { return nil }
        let lines = table(name).filter { $0.count == 5 }
        if lines.isEmpty { return nil }
        return .object(
            lines.map { words in
                let members = words.dropFirst().map { word -> (key: String, value: JSONOutput) in
                    let parts = word.split(separator: "=", maxSplits: 1)
                    return (String(parts[0]), Figures.decimal(parts.last ?? ""))
                }
                return (String(words[0]), .object(members))
            })
    }
}

/// An object that leaves out what is zero.
private struct Figures {
    private var members: [(key: String, value: JSONOutput)] = []

    var json: JSONOutput { .object(members) }
    var isEmpty: Bool { members.isEmpty }

    mutating func add(_ key: String, _ number: UInt64?) {
        if let number, number != 0 { members.append((key, .unsigned(number))) }
    }

    mutating func add(_ key: String, _ numbers: [UInt64]) {
        if !numbers.isEmpty { members.append((key, .array(numbers.map(JSONOutput.unsigned)))) }
    }

    mutating func add(_ key: String, _ value: JSONOutput?) {
        if let value { members.append((key, value)) }
    }

    mutating func addAlways(_ key: String, _ number: UInt64?) {
        members.append((key, .unsigned(number ?? 0)))
    }

    /// Nil when nothing of it is counted.
    static func memory(
        limit: UInt64?, usage: UInt64, most: UInt64? = nil, failures: UInt64? = nil
    ) -> JSONOutput? {
        if [limit, usage, most, failures].allSatisfy({ $0 ?? 0 == 0 }) { return nil }
        var figures = Figures()
        figures.addAlways("limit", limit)
        figures.add("usage", usage)
        figures.add("max", most)
        figures.addAlways("failcnt", failures)
        return figures.json
    }

    /// One figure of a device, `8:0`.
    static func entry(_ device: Substring, _ operation: String, _ value: UInt64?) -> JSONOutput {
        let numbers = device.split(separator: ":").map { UInt64($0) ?? 0 }
        var figures = Figures()
        figures.add("major", numbers.first)
        figures.add("minor", numbers.last)
        if !operation.isEmpty { figures.add("op", .string(operation)) }
        figures.add("value", value)
        return figures.json
    }

    /// `12.34`, or a whole number.
    static func decimal(_ text: Substring) -> JSONOutput {
        let parts = text.split(separator: ".")
        guard parts.count == 2, parts[1].count == 2, let whole = Int64(parts[0]),
            let hundredths = Int64(parts[1])
        else { return .unsigned(UInt64(text) ?? 0) }
        return .thousandths(whole * 1000 + hundredths * 10)
    }
}
