public import JSON

extension Spec.Linux {
    /// Limits (`linux.resources`). A zero or an empty text where the specification gives it no
    /// meaning is nil: Go's encoders write it for a value that is not set.
    public struct Resources: Sendable {
        public var devices: [DeviceRule] = []
        public var memory: Memory?
        public var cpu: CPU?
        public var pids: Located<Int64>?
        public var blockIO: BlockIO?
        public var hugepageLimits: [HugepageLimit] = []
        public var network: Network?
        public var rdma: [RDMA] = []
        public var unified: [(file: Located<String>, value: Located<String>)] = []
        /// Whether the kernel kills all processes together when memory runs out, and none of them is
        /// swapped out: of `vfs.limits.memory`.
        public var endsTogether = false
        public var offset = 0

        /// No limits.
        public init() {}

        /// A rule about access to device nodes.
        public struct DeviceRule: Sendable {
            public var allow: Located<Bool>
            public var type: Located<String>?
            public var major: Located<Int64>?
            public var minor: Located<Int64>?
            public var access: Located<String>?
            public var offset: Int
        }

        /// In bytes; −1 is no limit.
        public struct Memory: Sendable {
            public var limit: Located<Int64>?
            public var reservation: Located<Int64>?
            /// The limit of memory and swap together.
            public var swap: Located<Int64>?
            public var kernel: Located<Int64>?
            public var kernelTCP: Located<Int64>?
            public var swappiness: Located<UInt64>?
            public var disableOOMKiller: Located<Bool>?
            public var useHierarchy: Located<Bool>?
            public var checkBeforeUpdate: Located<Bool>?
            public var offset: Int

            /// No limits.
            public init(offset: Int) { self.offset = offset }
        }

        /// Times in microseconds.
        public struct CPU: Sendable {
            public var shares: Located<UInt64>?
            public var quota: Located<Int64>?
            public var burst: Located<UInt64>?
            public var period: Located<UInt64>?
            public var realtimeRuntime: Located<Int64>?
            public var realtimePeriod: Located<UInt64>?
            public var cpus: Located<String>?
            public var mems: Located<String>?
            public var idle: Located<Int64>?
            public var offset: Int
        }

        public struct BlockIO: Sendable {
            public var weight: Located<UInt16>?
            public var leafWeight: Located<UInt16>?
            public var weightDevice: [DeviceWeight]
            public var throttleReadBpsDevice: [DeviceRate]
            public var throttleWriteBpsDevice: [DeviceRate]
            public var throttleReadIOPSDevice: [DeviceRate]
            public var throttleWriteIOPSDevice: [DeviceRate]
            public var offset: Int
        }

        public struct DeviceWeight: Sendable {
            public var major: Located<Int64>
            public var minor: Located<Int64>
            public var weight: Located<UInt16>?
            public var leafWeight: Located<UInt16>?
            public var offset: Int
        }

        /// Bytes or operations a second.
        public struct DeviceRate: Sendable {
            public var major: Located<Int64>
            public var minor: Located<Int64>
            public var rate: Located<UInt64>
        }

        public struct HugepageLimit: Sendable {
            /// `2MB`
            public var pageSize: Located<String>
            /// In bytes.
            public var limit: Located<UInt64>
        }

        public struct Network: Sendable {
            public var classID: Located<UInt32>?
            public var priorities: [(name: Located<String>, priority: Located<UInt32>)]
            public var offset: Int
        }

        public struct RDMA: Sendable {
            public var device: Located<String>
            public var hcaHandles: Located<UInt32>?
            public var hcaObjects: Located<UInt32>?
        }
    }
}

extension Spec.Linux.Resources {
    /// Reads `linux.resources`, or a document of its own that has the same form; nil when it is
    /// no object.
    public init?(_ value: JSONValue, _ diagnostics: Diagnostics) {
        guard let reader = ObjectReader(value, diagnostics) else { return nil }
        self.init(reader)
    }

    init(_ reader: ObjectReader) {
        devices = reader.objects("devices", DeviceRule.init) ?? []
        memory = reader.object("memory").map(Memory.init)
        cpu = reader.object("cpu").map(CPU.init)
        pids = reader.object("pids").flatMap { $0.integer("limit", Int64.self) }
        blockIO = reader.object("blockIO").map(BlockIO.init)
        hugepageLimits = reader.objects("hugepageLimits", HugepageLimit.init) ?? []
        network = reader.object("network").map(Network.init)
        rdma = (reader.object("rdma")?.named(.object) ?? []).compactMap { member in
            guard let device = reader.string(member.key),
                let limits = ObjectReader(member.value, reader.diagnostics)
            else { return nil }
            return RDMA(
                device: device, hcaHandles: limits.integer("hcaHandles", UInt32.self),
                hcaObjects: limits.integer("hcaObjects", UInt32.self))
        }
        unified = (reader.object("unified")?.named(.string) ?? []).compactMap { member in
            guard let file = reader.string(member.key), let value = reader.string(member.value)
            else { return nil }
            return (file, value)
        }
        offset = reader.offset
    }
}

extension Spec.Linux.Resources.DeviceRule {
    init?(_ reader: ObjectReader) {
        let allow = reader.bool("allow")
        type = reader.string("type")
        major = reader.integer("major", Int64.self)
        minor = reader.integer("minor", Int64.self)
        access = reader.string("access")
        offset = reader.offset
        // The encoders of Go always write this member; a rule without it denies.
        self.allow = allow ?? Located(false, at: reader.offset)
    }
}

extension Spec.Linux.Resources.Memory {
    init(_ reader: ObjectReader) {
        limit = reader.amount("limit", Int64.self)
        reservation = reader.amount("reservation", Int64.self)
        swap = reader.amount("swap", Int64.self)
        kernel = reader.integer("kernel", Int64.self)
        kernelTCP = reader.integer("kernelTCP", Int64.self)
        swappiness = reader.integer("swappiness", UInt64.self)
        disableOOMKiller = reader.bool("disableOOMKiller")
        useHierarchy = reader.bool("useHierarchy")
        checkBeforeUpdate = reader.bool("checkBeforeUpdate")
        offset = reader.offset
    }
}

extension Spec.Linux.Resources.CPU {
    init(_ reader: ObjectReader) {
        shares = reader.amount("shares", UInt64.self)
        quota = reader.amount("quota", Int64.self)
        burst = reader.integer("burst", UInt64.self)
        period = reader.amount("period", UInt64.self)
        realtimeRuntime = reader.amount("realtimeRuntime", Int64.self)
        realtimePeriod = reader.amount("realtimePeriod", UInt64.self)
        cpus = reader.list("cpus")
        mems = reader.list("mems")
        idle = reader.integer("idle", Int64.self)
        offset = reader.offset
    }
}

extension Spec.Linux.Resources.BlockIO {
    init(_ reader: ObjectReader) {
        typealias Rate = Spec.Linux.Resources.DeviceRate
        weight = reader.amount("weight", UInt16.self)
        leafWeight = reader.amount("leafWeight", UInt16.self)
        weightDevice =
            reader.objects("weightDevice", Spec.Linux.Resources.DeviceWeight.init) ?? []
        throttleReadBpsDevice = reader.objects("throttleReadBpsDevice", Rate.init) ?? []
        throttleWriteBpsDevice = reader.objects("throttleWriteBpsDevice", Rate.init) ?? []
        throttleReadIOPSDevice = reader.objects("throttleReadIOPSDevice", Rate.init) ?? []
        throttleWriteIOPSDevice = reader.objects("throttleWriteIOPSDevice", Rate.init) ?? []
        offset = reader.offset
    }
}

extension Spec.Linux.Resources.DeviceWeight {
    init?(_ reader: ObjectReader) {
        let major = reader.integer("major", Int64.self, required: true)
        let minor = reader.integer("minor", Int64.self, required: true)
        weight = reader.integer("weight", UInt16.self)
        leafWeight = reader.integer("leafWeight", UInt16.self)
        offset = reader.offset
        guard let major, let minor else { return nil }
        self.major = major
        self.minor = minor
    }
}

extension Spec.Linux.Resources.DeviceRate {
    init?(_ reader: ObjectReader) {
        let major = reader.integer("major", Int64.self, required: true)
        let minor = reader.integer("minor", Int64.self, required: true)
        let rate = reader.integer("rate", UInt64.self, required: true)
        guard let major, let minor, let rate else { return nil }
        self.major = major
        self.minor = minor
        self.rate = rate
    }
}

extension Spec.Linux.Resources.HugepageLimit {
    init?(_ reader: ObjectReader) {
        let pageSize = reader.string("pageSize", required: true)
        let limit = reader.integer("limit", UInt64.self, required: true)
        guard let pageSize, let limit else { return nil }
        self.pageSize = pageSize
        self.limit = limit
    }
}

extension Spec.Linux.Resources.Network {
    init(_ reader: ObjectReader) {
        classID = reader.amount("classID", UInt32.self)
        let entries: [(name: Located<String>, priority: Located<UInt32>)]? =
            reader.objects("priorities") { entry in
                let name = entry.string("name", required: true)
                let priority = entry.integer("priority", UInt32.self, required: true)
                guard let name, let priority else { return nil }
                return (name, priority)
            }
        priorities = entries ?? []
        offset = reader.offset
    }
}

extension ObjectReader {
    /// Nil for zero too.
    fileprivate func amount<Number: FixedWidthInteger>(
        _ key: String, _ type: Number.Type
    ) -> Located<Number>? {
        integer(key, type).flatMap { $0.value == 0 ? nil : $0 }
    }

    /// Nil for an empty text too.
    fileprivate func list(_ key: String) -> Located<String>? {
        string(key).flatMap { $0.value.isEmpty ? nil : $0 }
    }
}
