internal import LinuxSystem

/// Resources in the words of version 2.
enum Version2 {
    /// Those that a kernel may have.
    static let controllers = [
        "cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc", "dmem",
    ]

    /// The name that version 2 has for a controller of version 1.
    static func name(_ controller: String) -> String {
        controller == "blkio" ? "io" : controller == "cpuacct" ? "cpu" : controller
    }

    /// What `resources` asks of `controller` (by its name of version 1), in the order it is
    /// written.
    ///
    /// - Throws: What version 2 has no counterpart for.
    static func assignments(
        _ resources: Resources, _ controller: String, _ current: CurrentValue
    ) throws(ControlGroupError) -> [Assignment] {
        switch controller {
        case "memory": return try memory(resources.memory, current)
        case "cpu": return try cpu(resources.cpu, current)
        case "cpuset": return cpuset(resources.cpu)
        case "pids": return Version1.pids(resources)
        case "blkio": return try blockIO(resources.blockIO)
        case "hugetlb":
            return resources.hugepages.flatMap { size in
                ["", ".rsvd"].map {
                    Assignment(
                        "hugetlb", "hugetlb.\(size.pageSize)\($0).max", String(size.limit),
                        "hugepageLimits", optional: $0 == ".rsvd")
                }
            }
        case "rdma": return Resources.rdmaAssignments(resources.rdma)
        default: return []
        }
    }

    // MARK: Memory

    private static func memory(
        _ memory: Resources.Memory, _ current: CurrentValue
    ) throws(ControlGroupError) -> [Assignment] {
        if memory.disablesOutOfMemoryKiller {
            throw ControlGroupError(
                "memory.disableOOMKiller: cgroup version 2 cannot switch the OOM killer off; remove"
                    + " it")
        }
        if memory.swappiness != nil {
            throw ControlGroupError(
                "memory.swappiness: cgroup version 2 has no swappiness of its own; remove it")
        }
        try checkUsage(memory, current)
        var found: [Assignment] = []
        if let swap = try swap(memory, current) {
            found.append(
                Assignment(
                    "memory", "memory.swap.max", words(swap), "memory.swap", optional: swap == -1))
        }
        if let limit = memory.limit {
            found.append(Assignment("memory", "memory.max", words(limit), "memory.limit"))
        }
        if let low = memory.reservation {
            found.append(Assignment("memory", "memory.low", words(low), "memory.reservation"))
        }
        return found
    }

    private static func words(_ limit: Int64) -> String { limit < 0 ? "max" : String(limit) }

    /// The specification counts memory and swap together, version 2 swap alone; −1 is no limit.
    static func swap(
        _ memory: Resources.Memory, _ current: CurrentValue
    ) throws(ControlGroupError) -> Int64? {
        guard let both = memory.swap else { return memory.limit == -1 ? -1 : nil }
        if both == -1 { return -1 }
        guard let limit = memory.limit ?? current("memory.max").flatMap({ Int64($0) }) else {
            throw ControlGroupError(
                "memory.swap: unable to set swap limit without memory limit; add memory.limit")
        }
        if limit == -1 { return both }
        if both < limit {
            throw ControlGroupError(
                "memory.swap: memory+swap limit should be >= memory limit; \(both) is below"
                    + " \(limit)")
        }
        return both - limit
    }

    /// In version 1 the kernel refuses such a limit, in version 2 it kills.
    static func checkUsage(
        _ memory: Resources.Memory, _ current: CurrentValue
    ) throws(ControlGroupError) {
        guard memory.checksBeforeUpdate,
            let usage = current("memory.current").flatMap({ Int64($0) })
        else { return }
        if let swap = memory.swap, swap > 0, swap <= usage {
            throw ControlGroupError(
                "memory.swap: rejecting memory+swap limit \(swap) <= usage \(usage)")
        }
        if let limit = memory.limit, limit > 0, limit <= usage {
            throw ControlGroupError(
                "memory.limit: rejecting memory limit \(limit) <= usage \(usage)")
        }
    }

    // MARK: CPU

    private static func cpu(
        _ cpu: Resources.CPU, _ current: CurrentValue
    ) throws(ControlGroupError) -> [Assignment] {
        if cpu.realtimePeriod != nil || cpu.realtimeRuntime != nil {
            let field = cpu.realtimeRuntime != nil ? "realtimeRuntime" : "realtimePeriod"
            throw ControlGroupError(
                "cpu.\(field): cgroup version 2 has no limits for realtime processes; remove it")
        }
        var found: [Assignment] = []
        if let idle = cpu.idle {
            found.append(Assignment("cpu", "cpu.idle", String(idle), "cpu.idle"))
        }
        // The weight of an idle cgroup is fixed.
        if let shares = cpu.shares, cpu.idle != 1 {
            found.append(Assignment("cpu", "cpu.weight", String(weight(shares)), "cpu.shares"))
        }
        if cpu.quota != nil || cpu.period != nil {
            // The file takes the quota first; a period alone keeps what is there.
            let quota =
                cpu.quota.map(words) ?? current("cpu.max")?.split(separator: " ").first.map(
                    String.init)
                ?? "max"
            let value = ([quota] + (cpu.period.map { ["\($0)"] } ?? [])).joined(separator: " ")
            found.append(
                Assignment("cpu", "cpu.max", value, cpu.quota != nil ? "cpu.quota" : "cpu.period"))
        }
        if let burst = cpu.burst {
            found.append(Assignment("cpu", "cpu.max.burst", String(burst), "cpu.burst"))
        }
        return found
    }

    /// Shares of version 1 (2…262144, by default 1024) as a weight (1…10000, by default 100): a
    /// curve through the least, the default and the most, as other runtimes have it.
    static func weight(_ shares: UInt64) -> UInt64 {
        if shares <= 2 { return 1 }
        if shares >= 262_144 { return 10_000 }
        let logarithm = Exponential.log2(Double(shares))
        let exponent = (logarithm * logarithm + 125 * logarithm) / 612 - 7.0 / 34
        return UInt64(Exponential.power(ofTen: exponent).rounded(.up))
    }

    private static func cpuset(_ cpu: Resources.CPU) -> [Assignment] {
        var found: [Assignment] = []
        if let cpus = cpu.cpus {
            found.append(Assignment("cpuset", "cpuset.cpus", cpus, "cpu.cpus"))
        }
        if let mems = cpu.mems {
            found.append(Assignment("cpuset", "cpuset.mems", mems, "cpu.mems"))
        }
        return found
    }

    // MARK: Block I/O

    private static func blockIO(
        _ blockIO: Resources.BlockIO
    ) throws(ControlGroupError) -> [Assignment] {
        if blockIO.leafWeight != nil
            || blockIO.deviceWeights.contains(where: { $0.leafWeight != nil })
        {
            throw ControlGroupError(
                "blockIO.leafWeight: cgroup version 2 has no weights for leaves; remove it")
        }
        var found: [Assignment] = []
        func add(_ prefix: String, _ weight: UInt16, _ field: String) {
            found.append(
                Assignment(
                    "io",
                    [
                        .init(file: "io.bfq.weight", value: "\(prefix)\(weight)"),
                        .init(file: "io.weight", value: "\(prefix)\(ioWeight(weight))"),
                    ], "blockIO." + field))
        }
        if let weight = blockIO.weight { add("", weight, "weight") }
        for device in blockIO.deviceWeights {
            if let weight = device.weight { add(device.device + " ", weight, "weightDevice") }
        }
        func limit(_ key: String, _ rates: [Resources.DeviceRate], _ field: String) {
            for rate in rates {
                let value = rate.rate == 0 ? "max" : String(rate.rate)
                found.append(
                    Assignment("io", "io.max", "\(rate.device) \(key)=\(value)", "blockIO." + field)
                )
            }
        }
        limit("rbps", blockIO.readBytes, "throttleReadBpsDevice")
        limit("wbps", blockIO.writeBytes, "throttleWriteBpsDevice")
        limit("riops", blockIO.readOperations, "throttleReadIOPSDevice")
        limit("wiops", blockIO.writeOperations, "throttleWriteIOPSDevice")
        return found
    }

    /// 10…1000 spread over 1…10000.
    static func ioWeight(_ weight: UInt16) -> UInt64 {
        1 + (UInt64(max(weight, 10)) - 10) * 9999 / 990
    }

    // MARK: Unified

    /// Whoever writes these names files themselves.
    ///
    /// - Throws: For a file of a controller that version 2 does not have on this host.
    static func unified(
        _ resources: Resources, _ hierarchies: Hierarchies
    ) throws(ControlGroupError) -> [Assignment] {
        var found: [Assignment] = []
        for (file, value) in resources.unified {
            let controller = file.split(separator: ".").first.map(String.init) ?? file
            guard hierarchies.version2Offers(controller) else {
                throw ControlGroupError(
                    "unified.\(file): "
                        + MissingController(controller, hierarchies, wantsVersion2: true).sentence)
            }
            for line in value.split(separator: "\n") {
                found.append(
                    Assignment(
                        controller == "cgroup" ? "" : controller, file, String(line),
                        "unified." + file))
            }
        }
        return found
    }
}
