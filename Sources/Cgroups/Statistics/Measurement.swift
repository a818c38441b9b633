internal import JSON

/// The kernel's counters at one moment. No file is read twice, and none of which nothing is printed.
struct Measurement {
    let group: ControlGroup
    private let texts = TextsRead()

    init(group: ControlGroup) { self.group = group }

    /// The files of a controller that the container has a cgroup of its own in.
    func files(_ controller: String) -> CounterFiles? {
        group.directory(of: controller).map {
            CounterFiles(directory: $0.path, isVersion2: $0.isVersion2, texts: texts)
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
}
