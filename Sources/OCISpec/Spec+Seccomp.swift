public import JSON

extension Spec {
    /// A seccomp profile (`linux.seccomp`).
    public struct Seccomp: Sendable {
        public var defaultAction: Located<Action>?
        public var defaultErrnoRet: Located<UInt32>?
        public var architectures: [Located<Architecture>]
        public var flags: [Located<Flag>]
        /// The socket of the process that answers calls with `SCMP_ACT_NOTIFY`.
        public var listenerPath: Located<String>?
        /// Passed on to that process, unchanged.
        public var listenerMetadata: Located<String>?
        public var syscalls: [Rule]
        /// The profile's bytes in the document.
        public var text: [UInt8]
        public var offset: Int

        public enum Action: String, Sendable, CaseIterable {
            case kill = "SCMP_ACT_KILL"
            case killProcess = "SCMP_ACT_KILL_PROCESS"
            case killThread = "SCMP_ACT_KILL_THREAD"
            case trap = "SCMP_ACT_TRAP"
            case errno = "SCMP_ACT_ERRNO"
            case trace = "SCMP_ACT_TRACE"
            case allow = "SCMP_ACT_ALLOW"
            case log = "SCMP_ACT_LOG"
            case notify = "SCMP_ACT_NOTIFY"
        }

        public enum Architecture: String, Sendable, CaseIterable {
            case x86 = "SCMP_ARCH_X86"
            case amd64 = "SCMP_ARCH_X86_64"
            case x32 = "SCMP_ARCH_X32"
            case arm = "SCMP_ARCH_ARM"
            case aarch64 = "SCMP_ARCH_AARCH64"
            case mips = "SCMP_ARCH_MIPS"
            case mips64 = "SCMP_ARCH_MIPS64"
            case mips64n32 = "SCMP_ARCH_MIPS64N32"
            case mipsel = "SCMP_ARCH_MIPSEL"
            case mipsel64 = "SCMP_ARCH_MIPSEL64"
            case mipsel64n32 = "SCMP_ARCH_MIPSEL64N32"
            case ppc = "SCMP_ARCH_PPC"
            case ppc64 = "SCMP_ARCH_PPC64"
            case ppc64le = "SCMP_ARCH_PPC64LE"
            case s390 = "SCMP_ARCH_S390"
            case s390x = "SCMP_ARCH_S390X"
            case parisc = "SCMP_ARCH_PARISC"
            case parisc64 = "SCMP_ARCH_PARISC64"
            case riscv64 = "SCMP_ARCH_RISCV64"
            case loongarch64 = "SCMP_ARCH_LOONGARCH64"
            case m68k = "SCMP_ARCH_M68K"
            case sh = "SCMP_ARCH_SH"
            case sheb = "SCMP_ARCH_SHEB"
        }

        public enum Flag: String, Sendable, CaseIterable {
            case threadSync = "SECCOMP_FILTER_FLAG_TSYNC"
            case log = "SECCOMP_FILTER_FLAG_LOG"
            case specAllow = "SECCOMP_FILTER_FLAG_SPEC_ALLOW"
            case waitKillable = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"

            /// The bit of seccomp(2).
            public var bit: UInt32 {
                switch self {
                case .threadSync: 1
                case .log: 2
                case .specAllow: 4
                case .waitKillable: 32
                }
            }
        }

        public enum Comparison: String, Sendable, CaseIterable {
            case notEqual = "SCMP_CMP_NE"
            case less = "SCMP_CMP_LT"
            case lessOrEqual = "SCMP_CMP_LE"
            case equal = "SCMP_CMP_EQ"
            case greaterOrEqual = "SCMP_CMP_GE"
            case greater = "SCMP_CMP_GT"
            case maskedEqual = "SCMP_CMP_MASKED_EQ"
        }

        /// The action for calls of these names if all `args` match.
        public struct Rule: Sendable {
            public var names: [Located<String>]
            public var action: Located<Action>
            public var errnoRet: Located<UInt32>?
            public var args: [Argument]
            public var offset: Int
        }

        /// A condition on one argument, 0…5.
        public struct Argument: Sendable {
            public var index: Located<UInt32>
            public var value: Located<UInt64>
            public var valueTwo: Located<UInt64>?
            public var op: Located<Comparison>
        }
    }
}

extension Spec.Seccomp {
    /// Reads a profile; nil if it is not an object.
    public init?(_ value: JSONValue, _ diagnostics: Diagnostics) {
        guard let reader = ObjectReader(value, diagnostics) else { return nil }
        self.init(reader)
    }

    init(_ reader: ObjectReader) {
        defaultAction = reader.choice("defaultAction", Action.self, required: true)
        defaultErrnoRet = reader.integer("defaultErrnoRet", UInt32.self)
        architectures =
            reader.array("architectures") { reader.choice($0, Architecture.self) } ?? []
        flags = reader.array("flags") { reader.choice($0, Flag.self) } ?? []
        listenerPath = reader.string("listenerPath")
        listenerMetadata = reader.string("listenerMetadata")
        syscalls = reader.objects("syscalls", Rule.init) ?? []
        text = Array(reader.value.text)
        offset = reader.offset
    }
}

extension Spec.Seccomp {
    /// Whether a process has to answer some of the calls.
    public var notifies: Bool { syscalls.contains { $0.action.value == .notify } }
}

extension Spec.Seccomp.Rule {
    init?(_ reader: ObjectReader) {
        let names = reader.strings("names", required: true)
        let action = reader.choice("action", Spec.Seccomp.Action.self, required: true)
        errnoRet = reader.integer("errnoRet", UInt32.self)
        args = reader.objects("args", Spec.Seccomp.Argument.init) ?? []
        offset = reader.offset
        guard let names, let action else { return nil }
        self.names = names
        self.action = action
        if names.isEmpty {
            reader.diagnostics.error(
                "is empty; name at least one system call", at: reader.offset, member: "names")
        }
    }
}

extension Spec.Seccomp.Argument {
    init?(_ reader: ObjectReader) {
        let index = reader.integer("index", UInt32.self, required: true)
        let value = reader.integer("value", UInt64.self, required: true)
        valueTwo = reader.integer("valueTwo", UInt64.self)
        let op = reader.choice("op", Spec.Seccomp.Comparison.self, required: true)
        guard let index, let value, let op else { return nil }
        if index.value > 5 {
            reader.diagnostics.error(
                "\(index.value) is not an argument's index; a system call has arguments 0 to 5",
                at: index.offset)
        }
        self.index = index
        self.value = value
        self.op = op
    }
}
