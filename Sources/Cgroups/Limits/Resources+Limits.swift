internal import LinuxSystem
public import OCISpec

/// The table of limits: a line below is one value of `linux.resources`, with the file that takes it in
/// version 1 and the one in version 2.
extension Resources {
    /// In the order they are written.
    ///
    /// - Parameter current: Of version 2.
    func limits(_ current: CurrentValue) -> [Limit] {
        var table = LimitTable()
        if let memory { table.add(memory, current, mayLackSwap: endsTogether) }
        if endsTogether {
            // Version 1 has no such file: the runtime process does it.
            table.add(
                "memory.oom.group", .elsewhere, .file("memory.oom.group", 1), isOptional: true)
        }
        if let cpu { table.add(cpu, current) }
        if let pids {
            // 0 keeps the container from making any process, and so does 1: the first one counts. It
            // could not even be started into a cgroup of version 2 with 0.
            let most = pids.value < 0 ? "max" : "\(max(pids.value, 1))"
            table.add("pids.limit", .file("pids.max", most), .file("pids.max", most))
        }
        if let blockIO { table.add(blockIO) }
        for size in hugepageLimits {
            let (prefix, limit) = ("hugetlb.\(size.pageSize.value)", size.limit.value)
            for kind in ["", ".rsvd"] {
                table.add(
                    "hugepageLimits", .file("\(prefix)\(kind).limit_in_bytes", limit),
                    .file("\(prefix)\(kind).max", limit), isOptional: kind == ".rsvd")
            }
        }
        table.add("network.classID", network?.classID, "net_cls.classid", .noNetwork)
        for (name, priority) in network?.priorities ?? [] {
            table.add(
                "network.priorities",
                .file("net_prio.ifpriomap", "\(name.value) \(priority.value)"), .noNetwork)
        }
        for device in rdma {
            let limits = [
                device.hcaHandles.map { "hca_handle=\($0.value)" },
                device.hcaObjects.map { "hca_object=\($0.value)" },
            ].compactMap(\.self)
            if limits.isEmpty { continue }
            let value = ([device.device.value] + limits).joined(separator: " ")
            table.add("rdma", .file("rdma.max", value), .file("rdma.max", value))
        }
        return table.limits
    }
}

extension Resources {
    /// The file of version 1 and that of version 2 for each limit, with the value for it; nil where
    /// that version has none. What depends on the group's present values is missing.
    public var filesOfLimits: [(version1: FileValue?, version2: FileValue?)] {
        limits { _ in nil }.map { ($0.version1.written, $0.version2.written) }
    }

    public typealias FileValue = (file: String, value: String)
}

extension Limit.Holder {
    fileprivate var written: Resources.FileValue? {
        guard case .files(let choices) = self, let first = choices.first else { return nil }
        return (first.file, first.value)
    }

    fileprivate static let noNetwork = Limit.Holder.refused(
        "cgroup version 2 has no limits for the network; remove it")
    fileprivate static let noRealtime = Limit.Holder.refused(
        "cgroup version 2 has no limits for realtime processes; remove it")
}

private struct LimitTable {
    private(set) var limits: [Limit] = []

    mutating func add(
        _ field: String, _ version1: Limit.Holder, _ version2: Limit.Holder,
        isOptional: Bool = false
    ) {
        limits.append(
            Limit(field: field, version1: version1, version2: version2, isOptional: isOptional))
    }

    /// A number: in version 2 a negative one is `max`.
    mutating func add<Number: FixedWidthInteger>(
        _ field: String, _ value: Located<Number>?, _ version1: String, _ version2: String
    ) {
        guard let value = value?.value else { return }
        add(field, .file(version1, value), .file(version2, Version2.words(value)))
    }

    mutating func add<Number: FixedWidthInteger>(
        _ field: String, _ value: Located<Number>?, _ version1: String, _ version2: Limit.Holder
    ) {
        if let value = value?.value { add(field, .file(version1, value), version2) }
    }

    // MARK: Memory

    mutating func add(_ memory: Resources.Memory, _ current: CurrentValue, mayLackSwap: Bool) {
        // Without a limit of memory there is none of memory and swap together. Without one of swap
        // it does not matter whether the kernel counts it.
        let both = memory.swap?.value ?? (memory.limit?.value == -1 ? -1 : nil)
        // In version 2 before the limit of memory, which may swap out at once what is above it.
        do throws(Failure) {
            if let swap = try Version2.swap(memory, current) {
                add(
                    "memory.swap", .elsewhere, .file("memory.swap.max", Version2.words(swap)),
                    isOptional: swap == -1 || mayLackSwap)
            }
        } catch {
            add("memory.swap", .elsewhere, .refused(error.message))
        }
        add("memory.limit", memory.limit, "memory.limit_in_bytes", "memory.max")
        if let both {
            add(
                "memory.swap", .file("memory.memsw.limit_in_bytes", both), .elsewhere,
                isOptional: both == -1 || mayLackSwap)
        }
        add("memory.reservation", memory.reservation, "memory.soft_limit_in_bytes", "memory.low")
        if memory.disableOOMKiller?.value == true {
            add(
                "memory.disableOOMKiller", .file("memory.oom_control", 1),
                .refused("cgroup version 2 cannot switch the OOM killer off; remove it"))
        }
        add(
            "memory.swappiness", memory.swappiness, "memory.swappiness",
            .refused("cgroup version 2 has no swappiness of its own; remove it"))
    }

    // MARK: CPU

    mutating func add(_ cpu: Resources.CPU, _ current: CurrentValue) {
        // Realtime first: a realtime process could not enter a cgroup without.
        add("cpu.realtimePeriod", cpu.realtimePeriod, "cpu.rt_period_us", .noRealtime)
        add("cpu.realtimeRuntime", cpu.realtimeRuntime, "cpu.rt_runtime_us", .noRealtime)
        add("cpu.idle", cpu.idle, "cpu.idle", "cpu.idle")
        // The weight of an idle cgroup is fixed.
        if let shares = cpu.shares?.value, cpu.idle?.value != 1 {
            add(
                "cpu.shares", .file("cpu.shares", shares),
                .file("cpu.weight", Version2.weight(shares)))
        }
        add("cpu.period", cpu.period, "cpu.cfs_period_us", .elsewhere)
        add("cpu.quota", cpu.quota, "cpu.cfs_quota_us", .elsewhere)
        if cpu.quota != nil || cpu.period != nil {
            // The file takes the quota first; a period alone keeps the quota that is there.
            let quota =
                cpu.quota.map { Version2.words($0.value) }
                ?? current("cpu.max")?.split(separator: " ").first.map(String.init) ?? "max"
            add(
                cpu.quota != nil ? "cpu.quota" : "cpu.period", .elsewhere,
                .file("cpu.max", quota + (cpu.period.map { " \($0.value)" } ?? "")))
        }
        add("cpu.burst", cpu.burst, "cpu.cfs_burst_us", "cpu.max.burst")
        for (name, list) in [("cpus", cpu.cpus), ("mems", cpu.mems)] {
            guard let list = list?.value else { continue }
            add("cpu.\(name)", .file("cpuset.\(name)", list), .file("cpuset.\(name)", list))
        }
    }

    // MARK: Block I/O

    mutating func add(_ blockIO: Resources.BlockIO) {
        add(weight: "weight", "weight", blockIO.weight)
        add(weight: "leaf_weight", "leafWeight", blockIO.leafWeight)
        for device in blockIO.weightDevice {
            let prefix = "\(device.major.value):\(device.minor.value) "
            add(weight: "weight_device", "weightDevice", device.weight, prefix)
            add(weight: "leaf_weight_device", "leafWeight", device.leafWeight, prefix)
        }
        for (field, version1, version2, rates) in [
            ("throttleReadBpsDevice", "read_bps", "rbps", blockIO.throttleReadBpsDevice),
            ("throttleWriteBpsDevice", "write_bps", "wbps", blockIO.throttleWriteBpsDevice),
            ("throttleReadIOPSDevice", "read_iops", "riops", blockIO.throttleReadIOPSDevice),
            ("throttleWriteIOPSDevice", "write_iops", "wiops", blockIO.throttleWriteIOPSDevice),
        ] {
            for rate in rates {
                let device = "\(rate.major.value):\(rate.minor.value)"
                let most = rate.rate.value
                add(
                    "blockIO.\(field)",
                    .file("blkio.throttle.\(version1)_device", "\(device) \(most)"),
                    .file("io.max", "\(device) \(version2)=\(most == 0 ? "max" : "\(most)")"))
            }
        }
    }

    /// The scheduler bfq has a file of its own in either version, and takes weights as they are.
    private mutating func add(
        weight file: String, _ field: String, _ value: Located<UInt16>?, _ prefix: String = ""
    ) {
        guard let weight = value?.value, weight != 0 else { return }
        let text = "\(prefix)\(weight)"
        add(
            "blockIO.\(field)",
            .files([
                .init(file: "blkio.\(file)", value: text),
                .init(file: "blkio.bfq.\(file)", value: text),
            ]),
            field == "leafWeight"
                ? .refused("cgroup version 2 has no weights for leaves; remove it")
                : .files([
                    .init(file: "io.bfq.weight", value: text),
                    .init(file: "io.weight", value: "\(prefix)\(Version2.ioWeight(weight))"),
                ]))
    }
}
