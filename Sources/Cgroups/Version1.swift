/// Resources in the words of version 1.
enum Version1 {
    /// What `resources` asks of `controller`, in the order it is written.
    static func assignments(_ resources: Resources, _ controller: String) -> [Assignment] {
        switch controller {
        case "memory": memory(resources.memory)
        case "cpu": cpu(resources.cpu)
        case "cpuset": cpuset(resources.cpu)
        case "pids": pids(resources)
        case "blkio": blockIO(resources.blockIO)
        case "hugetlb": hugepages(resources)
        case "net_cls":
            resources.networkClass.map {
                [Assignment("net_cls", "net_cls.classid", String($0), "network.classID")]
            } ?? []
        case "net_prio":
            resources.networkPriorities.map {
                Assignment(
                    "net_prio", "net_prio.ifpriomap", "\($0.interface) \($0.priority)",
                    "network.priorities")
            }
        case "rdma": Resources.rdmaAssignments(resources.rdma)
        default: []
        }
    }

    private static func memory(_ memory: Resources.Memory) -> [Assignment] {
        var found: [Assignment] = []
        func add(_ file: String, _ value: String, _ field: String, optional: Bool = false) {
            found.append(
                Assignment("memory", "memory." + file, value, "memory." + field, optional: optional)
            )
        }
        if let limit = memory.limit { add("limit_in_bytes", String(limit), "limit") }
        // Without a limit of memory there is none of memory and swap together. Without one of
        // swap it does not matter whether the kernel counts it.
        if let swap = memory.swap ?? (memory.limit == -1 ? -1 : nil) {
            add("memsw.limit_in_bytes", String(swap), "swap", optional: swap == -1)
        }
        if let soft = memory.reservation {
            add("soft_limit_in_bytes", String(soft), "reservation")
        }
        if memory.disablesOutOfMemoryKiller { add("oom_control", "1", "disableOOMKiller") }
        if let swappiness = memory.swappiness {
            add("swappiness", String(swappiness), "swappiness")
        }
        return found
    }

    private static func cpu(_ cpu: Resources.CPU) -> [Assignment] {
        var found: [Assignment] = []
        func add(_ file: String, _ value: String?, _ field: String) {
            guard let value else { return }
            found.append(Assignment("cpu", "cpu." + file, value, "cpu." + field))
        }
        // Realtime first: a realtime process could not enter a cgroup without.
        add("rt_period_us", cpu.realtimePeriod.map { "\($0)" }, "realtimePeriod")
        add("rt_runtime_us", cpu.realtimeRuntime.map { "\($0)" }, "realtimeRuntime")
        // The shares of an idle cgroup are fixed.
        if cpu.idle != 1 { add("shares", cpu.shares.map { "\($0)" }, "shares") }
        add("cfs_period_us", cpu.period.map { "\($0)" }, "period")
        add("cfs_quota_us", cpu.quota.map { "\($0)" }, "quota")
        add("cfs_burst_us", cpu.burst.map { "\($0)" }, "burst")
        add("idle", cpu.idle.map { "\($0)" }, "idle")
        return found
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

    static func pids(_ resources: Resources) -> [Assignment] {
        guard let limit = resources.pids else { return [] }
        // 0 keeps the container from making any process, and so does 1: the first one counts. It
        // could not even be started into a cgroup of version 2 with 0.
        let value = limit < 0 ? "max" : String(max(limit, 1))
        return [Assignment("pids", "pids.max", value, "pids.limit")]
    }

    private static func blockIO(_ blockIO: Resources.BlockIO) -> [Assignment] {
        var found: [Assignment] = []
        func weight(_ name: String, _ value: String?, _ field: String) {
            guard let value else { return }
            found.append(
                Assignment(
                    "blkio",
                    [
                        .init(file: "blkio.\(name)", value: value),
                        .init(file: "blkio.bfq.\(name)", value: value),
                    ], "blockIO." + field))
        }
        weight("weight", blockIO.weight.map { "\($0)" }, "weight")
        weight("leaf_weight", blockIO.leafWeight.map { "\($0)" }, "leafWeight")
        for device in blockIO.deviceWeights {
            weight("weight_device", device.weight.map { "\(device.device) \($0)" }, "weightDevice")
            weight(
                "leaf_weight_device", device.leafWeight.map { "\(device.device) \($0)" },
                "weightDevice")
        }
        func throttle(_ file: String, _ rates: [Resources.DeviceRate], _ field: String) {
            for rate in rates {
                found.append(
                    Assignment(
                        "blkio", "blkio.throttle.\(file)_device", "\(rate.device) \(rate.rate)",
                        "blockIO." + field))
            }
        }
        throttle("read_bps", blockIO.readBytes, "throttleReadBpsDevice")
        throttle("write_bps", blockIO.writeBytes, "throttleWriteBpsDevice")
        throttle("read_iops", blockIO.readOperations, "throttleReadIOPSDevice")
        throttle("write_iops", blockIO.writeOperations, "throttleWriteIOPSDevice")
        return found
    }

    private static func hugepages(_ resources: Resources) -> [Assignment] {
        resources.hugepages.flatMap { size in
            ["", ".rsvd"].map {
                Assignment(
                    "hugetlb", "hugetlb.\(size.pageSize)\($0).limit_in_bytes",
                    String(size.limit), "hugepageLimits", optional: $0 == ".rsvd")
            }
        }
    }
}

extension Resources {
    /// The file is the same in both versions.
    static func rdmaAssignments(_ rdma: [RDMA]) -> [Assignment] {
        rdma.compactMap { device in
            let limits = [
                device.handles.map { "hca_handle=\($0)" },
                device.objects.map { "hca_object=\($0)" },
            ].compactMap { $0 }
            if limits.isEmpty { return nil }
            let value = ([device.device] + limits).joined(separator: " ")
            return Assignment("rdma", "rdma.max", value, "rdma")
        }
    }
}
