public import OCISpec

/// What a container's cgroup limits, whatever the host's version: `linux.resources` without its
/// places in the document. What is nil, or zero where the specification has zero mean nothing, is
/// left as it is.
public struct Resources: Sendable {
    /// In the order they are applied; nil leaves devices alone.
    public var devices: [DeviceRule]?
    public var memory = Memory()
    public var cpu = CPU()
    /// The most processes and threads; −1 for any number.
    public var pids: Int64?
    public var blockIO = BlockIO()
    public var hugepages: [Hugepages] = []
    public var networkClass: UInt32?
    public var networkPriorities: [(interface: String, priority: UInt32)] = []
    public var rdma: [RDMA] = []
    /// Files of version 2 and what is written to them.
    public var unified: [(file: String, value: String)] = []

    /// In bytes; −1 is no limit.
    public struct Memory: Sendable, Hashable {
        public var limit: Int64?
        public var reservation: Int64?
        /// Of memory and swap together.
        public var swap: Int64?
        /// 0…100
        public var swappiness: UInt64?
        public var disablesOutOfMemoryKiller = false
        /// Whether a limit below what is in use is refused.
        public var checksBeforeUpdate = false
    }

    /// Times in microseconds.
    public struct CPU: Sendable, Hashable {
        public var shares: UInt64?
        /// −1 is no limit.
        public var quota: Int64?
        public var period: UInt64?
        public var burst: UInt64?
        public var realtimeRuntime: Int64?
        public var realtimePeriod: UInt64?
        /// `0-3,7`
        public var cpus: String?
        public var mems: String?
        /// 1: only what nobody else wants.
        public var idle: Int64?
    }

    public struct BlockIO: Sendable, Hashable {
        /// 10…1000
        public var weight: UInt16?
        public var leafWeight: UInt16?
        public var deviceWeights: [DeviceWeight] = []
        public var readBytes: [DeviceRate] = []
        public var writeBytes: [DeviceRate] = []
        public var readOperations: [DeviceRate] = []
        public var writeOperations: [DeviceRate] = []
    }

    public struct DeviceWeight: Sendable, Hashable {
        /// `8:0`
        public var device: String
        public var weight: UInt16?
        public var leafWeight: UInt16?
    }

    public struct DeviceRate: Sendable, Hashable {
        /// `8:0`
        public var device: String
        /// A second; 0 is no limit.
        public var rate: UInt64
    }

    public struct Hugepages: Sendable, Hashable {
        /// `2MB`
        public var pageSize: String
        /// In bytes.
        public var limit: UInt64
    }

    public struct RDMA: Sendable, Hashable {
        public var device: String
        public var handles: UInt32?
        public var objects: UInt32?
    }

    public init() {}
}

extension Resources {
    /// What a checked document asks for.
    public init(_ spec: Spec.Linux.Resources) {
        devices = spec.devices.isEmpty ? nil : spec.devices.flatMap(DeviceRule.rules)
        memory = Memory(spec.memory)
        cpu = CPU(spec.cpu)
        pids = spec.pids?.value
        blockIO = BlockIO(spec.blockIO)
        hugepages = spec.hugepageLimits.map {
            Hugepages(pageSize: $0.pageSize.value, limit: $0.limit.value)
        }
        networkClass = spec.network?.classID?.value.unlessZero
        networkPriorities = (spec.network?.priorities ?? []).map {
            ($0.name.value, $0.priority.value)
        }
        rdma = spec.rdma.map {
            RDMA(
                device: $0.device.value, handles: $0.hcaHandles?.value,
                objects: $0.hcaObjects?.value)
        }
        unified = spec.unified.map { ($0.file.value, $0.value.value) }
    }
}

extension Resources.Memory {
    init(_ spec: Spec.Linux.Resources.Memory?) {
        limit = spec?.limit?.value.unlessZero
        reservation = spec?.reservation?.value.unlessZero
        swap = spec?.swap?.value.unlessZero
        swappiness = spec?.swappiness?.value
        disablesOutOfMemoryKiller = spec?.disableOOMKiller?.value ?? false
        checksBeforeUpdate = spec?.checkBeforeUpdate?.value ?? false
    }
}

extension Resources.CPU {
    init(_ spec: Spec.Linux.Resources.CPU?) {
        shares = spec?.shares?.value.unlessZero
        quota = spec?.quota?.value.unlessZero
        period = spec?.period?.value.unlessZero
        burst = spec?.burst?.value
        realtimeRuntime = spec?.realtimeRuntime?.value.unlessZero
        realtimePeriod = spec?.realtimePeriod?.value.unlessZero
        cpus = spec?.cpus.flatMap { $0.value.isEmpty ? nil : $0.value }
        mems = spec?.mems.flatMap { $0.value.isEmpty ? nil : $0.value }
        idle = spec?.idle?.value
    }
}

extension Resources.BlockIO {
    init(_ spec: Spec.Linux.Resources.BlockIO?) {
        typealias Rate = Spec.Linux.Resources.DeviceRate
        func rates(_ rates: [Rate]?) -> [Resources.DeviceRate] {
            (rates ?? []).map {
                .init(device: "\($0.major.value):\($0.minor.value)", rate: $0.rate.value)
            }
        }
        weight = spec?.weight?.value.unlessZero
        leafWeight = spec?.leafWeight?.value.unlessZero
        deviceWeights = (spec?.weightDevice ?? []).map {
            .init(
                device: "\($0.major.value):\($0.minor.value)",
                weight: $0.weight?.value.unlessZero, leafWeight: $0.leafWeight?.value.unlessZero)
        }
        readBytes = rates(spec?.throttleReadBpsDevice)
        writeBytes = rates(spec?.throttleWriteBpsDevice)
        readOperations = rates(spec?.throttleReadIOPSDevice)
        writeOperations = rates(spec?.throttleWriteIOPSDevice)
    }
}

extension Resources {
    /// The limits in a line, for people: `memory 64M, pids 10, devices`.
    public var summary: String {
        var words: [String] = []
        func add(_ name: String, _ value: String?) {
            if let value { words.append("\(name) \(value)") }
        }
        add("memory", memory.limit.map(Resources.size))
        add("memory and swap", memory.swap.map(Resources.size))
        add("memory reservation", memory.reservation.map(Resources.size))
        add("cpu shares", cpu.shares.map(String.init))
        add("cpu quota", cpu.quota.map { $0 < 0 ? "none" : "\($0)" })
        add("cpu period", cpu.period.map(String.init))
        add("cpus", cpu.cpus)
        add("pids", pids.map { $0 < 0 ? "any" : "\($0)" })
        if blockIO != BlockIO() { words.append("block I/O") }
        for size in hugepages { add("pages of \(size.pageSize)", String(size.limit)) }
        if let devices { words.append("\(devices.count) rules for devices") }
        words += unified.map { "\($0.file)" }
        return words.joined(separator: ", ")
    }

    /// `64M`
    private static func size(_ bytes: Int64) -> String {
        if bytes < 0 { return "unlimited" }
        for (unit, shift) in [("G", 30), ("M", 20), ("K", 10)] as [(String, Int64)]
        where bytes > 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return String(bytes)
    }
}

extension FixedWidthInteger {
    /// Nil for zero, which encoders write for "not set".
    fileprivate var unlessZero: Self? { self == 0 ? nil : self }
}
