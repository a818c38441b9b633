extension Spec.Process {
    /// `process.scheduler` (sched_setattr(2)).
    public struct Scheduler: Sendable {
        public var policy: Located<Policy>
        public var nice: Located<Int32>?
        public var priority: Located<Int32>?
        public var flags: [Located<Flag>]
        /// In nanoseconds.
        public var runtime: Located<UInt64>?
        public var deadline: Located<UInt64>?
        public var period: Located<UInt64>?
        public var offset: Int

        public enum Policy: String, Sendable, CaseIterable {
            case other = "SCHED_OTHER"
            case fifo = "SCHED_FIFO"
            case roundRobin = "SCHED_RR"
            case batch = "SCHED_BATCH"
            case isochronous = "SCHED_ISO"
            case idle = "SCHED_IDLE"
            case deadline = "SCHED_DEADLINE"

            /// The number in the kernel.
            public var number: UInt32 {
                switch self {
                case .other: 0
                case .fifo: 1
                case .roundRobin: 2
                case .batch: 3
                case .isochronous: 4
                case .idle: 5
                case .deadline: 6
                }
            }
        }

        public enum Flag: String, Sendable, CaseIterable {
            case resetOnFork = "SCHED_FLAG_RESET_ON_FORK"
            case reclaim = "SCHED_FLAG_RECLAIM"
            case deadlineOverrun = "SCHED_FLAG_DL_OVERRUN"
            case keepPolicy = "SCHED_FLAG_KEEP_POLICY"
            case keepParameters = "SCHED_FLAG_KEEP_PARAMS"
            case clampMinimum = "SCHED_FLAG_UTIL_CLAMP_MIN"
            case clampMaximum = "SCHED_FLAG_UTIL_CLAMP_MAX"

            /// Its bit in `sched_flags`.
            public var bit: UInt64 {
                switch self {
                case .resetOnFork: 0x01
                case .reclaim: 0x02
                case .deadlineOverrun: 0x04
                case .keepPolicy: 0x08
                case .keepParameters: 0x10
                case .clampMinimum: 0x20
                case .clampMaximum: 0x40
                }
            }
        }
    }

    /// `process.ioPriority` (ioprio_set(2)).
    public struct InputOutputPriority: Sendable {
        public var kind: Located<Kind>
        /// Required by the specification, and yet 0 where it is left out, as runc has it.
        public var priority: Located<Int>?
        public var offset: Int

        public enum Kind: String, Sendable, CaseIterable {
            case realTime = "IOPRIO_CLASS_RT"
            case bestEffort = "IOPRIO_CLASS_BE"
            case idle = "IOPRIO_CLASS_IDLE"

            /// The number in the kernel.
            public var number: Int32 {
                switch self {
                case .realTime: 1
                case .bestEffort: 2
                case .idle: 3
                }
            }
        }
    }
}

extension Spec.Process {
    /// `process.execCPUAffinity`: lists of CPUs, such as `0-3,7`.
    public struct CPUAffinity: Sendable {
        /// Until the process is in the container's control group.
        public var initial: Located<String>?
        /// From then on.
        public var final: Located<String>?
    }
}

extension Spec.Linux {
    /// `linux.memoryPolicy` (set_mempolicy(2)).
    public struct MemoryPolicy: Sendable {
        public var mode: Located<String>
        /// A list such as `0-3,7`.
        public var nodes: Located<String>?
        public var flags: [Located<String>]

        public enum Mode: String, Sendable, CaseIterable {
            case `default` = "MPOL_DEFAULT"
            case preferred = "MPOL_PREFERRED"
            case bind = "MPOL_BIND"
            case interleave = "MPOL_INTERLEAVE"
            case local = "MPOL_LOCAL"
            case preferredMany = "MPOL_PREFERRED_MANY"
            case weightedInterleave = "MPOL_WEIGHTED_INTERLEAVE"

            /// The number in the kernel.
            public var number: Int32 {
                switch self {
                case .default: 0
                case .preferred: 1
                case .bind: 2
                case .interleave: 3
                case .local: 4
                case .preferredMany: 5
                case .weightedInterleave: 6
                }
            }
        }

        public enum Flag: String, Sendable, CaseIterable {
            case numaBalancing = "MPOL_F_NUMA_BALANCING"
            case relativeNodes = "MPOL_F_RELATIVE_NODES"
            case staticNodes = "MPOL_F_STATIC_NODES"

            /// Its bit in the mode.
            public var bit: Int32 {
                switch self {
                case .numaBalancing: 1 << 13
                case .relativeNodes: 1 << 14
                case .staticNodes: 1 << 15
                }
            }
        }
    }

    /// `linux.personality` (personality(2)).
    public struct Personality: Sendable {
        public var domain: Located<Domain>
        public var flags: [Located<String>]

        public enum Domain: String, Sendable, CaseIterable {
            case linux = "LINUX"
            case linux32 = "LINUX32"
        }
    }
}

extension Spec.Process.Scheduler {
    init?(_ reader: ObjectReader) {
        let policy = reader.choice("policy", Policy.self, required: true)
        nice = reader.integer("nice", Int32.self)
        priority = reader.integer("priority", Int32.self)
        flags = reader.array("flags") { reader.choice($0, Flag.self) } ?? []
        runtime = reader.integer("runtime", UInt64.self)
        deadline = reader.integer("deadline", UInt64.self)
        period = reader.integer("period", UInt64.self)
        offset = reader.offset
        guard let policy else { return nil }
        self.policy = policy
    }
}

extension Spec.Process.InputOutputPriority {
    init?(_ reader: ObjectReader) {
        let kind = reader.choice("class", Kind.self, required: true)
        priority = reader.integer("priority", Int.self)
        offset = reader.offset
        guard let kind else { return nil }
        self.kind = kind
    }
}

extension Spec.Process.CPUAffinity {
    init(_ reader: ObjectReader) {
        initial = reader.string("initial")
        final = reader.string("final")
    }
}

extension Spec.Linux.MemoryPolicy {
    init?(_ reader: ObjectReader) {
        // A missing one is the check's to report, in the words of the others.
        mode =
            reader.string("mode") ?? Located("", at: reader.offset)
        nodes = reader.string("nodes")
        flags = reader.strings("flags") ?? []
    }
}

extension Spec.Linux.Personality {
    init?(_ reader: ObjectReader) {
        let domain = reader.choice("domain", Domain.self, required: true)
        flags = reader.strings("flags") ?? []
        guard let domain else { return nil }
        self.domain = domain
    }
}
