extension Spec {
    /// The container process.
    public struct Process: Sendable {
        public var terminal: Located<Bool>?
        public var consoleSize: ConsoleSize?
        public var cwd: Located<String>?
        public var env: [Located<String>]
        public var args: [Located<String>]?
        public var user: User?
        public var capabilities: Capabilities?
        public var rlimits: [ResourceLimit]
        public var noNewPrivileges: Located<Bool>?
        public var oomScoreAdj: Located<Int>?
        public var scheduler: Scheduler?
        public var ioPriority: InputOutputPriority?
        public var execCPUAffinity: CPUAffinity?
        public var apparmorProfile: Located<String>?
        public var selinuxLabel: Located<String>?
        public var offset: Int

        /// In characters.
        public struct ConsoleSize: Sendable {
            public var height: Located<UInt16>?
            public var width: Located<UInt16>?
        }

        /// Ids of the container's user namespace.
        public struct User: Sendable {
            public var uid: Located<UInt32>?
            public var gid: Located<UInt32>?
            public var umask: Located<UInt32>?
            public var additionalGids: [Located<UInt32>]
        }

        /// Names of capabilities(7).
        public struct Capabilities: Sendable {
            public var bounding: [Located<String>]
            public var effective: [Located<String>]
            public var permitted: [Located<String>]
            public var inheritable: [Located<String>]
            public var ambient: [Located<String>]
            public var offset: Int
        }

        /// A limit of setrlimit(2).
        public struct ResourceLimit: Sendable {
            public var type: Located<String>
            public var soft: Located<UInt64>
            public var hard: Located<UInt64>
        }
    }
}

extension Spec.Process {
    init(_ reader: ObjectReader) {
        terminal = reader.bool("terminal")
        consoleSize = reader.object("consoleSize").map(ConsoleSize.init)
        cwd = reader.string("cwd", required: true)
        env = reader.strings("env") ?? []
        args = reader.strings("args")
        user = reader.object("user").map(User.init)
        capabilities = reader.object("capabilities").map(Capabilities.init)
        rlimits = reader.objects("rlimits", ResourceLimit.init) ?? []
        noNewPrivileges = reader.bool("noNewPrivileges")
        oomScoreAdj = reader.integer("oomScoreAdj", Int.self)
        scheduler = reader.object("scheduler").flatMap(Scheduler.init)
        ioPriority = reader.object("ioPriority").flatMap(InputOutputPriority.init)
        execCPUAffinity = reader.object("execCPUAffinity").map(CPUAffinity.init)
        apparmorProfile = reader.string("apparmorProfile")
        selinuxLabel = reader.string("selinuxLabel")
        offset = reader.offset
    }
}

extension Spec.Process.ConsoleSize {
    init(_ reader: ObjectReader) {
        height = reader.integer("height", UInt16.self, required: true)
        width = reader.integer("width", UInt16.self, required: true)
    }
}

extension Spec.Process.User {
    init(_ reader: ObjectReader) {
        uid = reader.integer("uid", UInt32.self)
        gid = reader.integer("gid", UInt32.self)
        umask = reader.integer("umask", UInt32.self)
        additionalGids = reader.integers("additionalGids", UInt32.self) ?? []
    }
}

extension Spec.Process.Capabilities {
    init(_ reader: ObjectReader) {
        bounding = reader.strings("bounding") ?? []
        effective = reader.strings("effective") ?? []
        permitted = reader.strings("permitted") ?? []
        inheritable = reader.strings("inheritable") ?? []
        ambient = reader.strings("ambient") ?? []
        offset = reader.offset
    }
}

extension Spec.Process.ResourceLimit {
    init?(_ reader: ObjectReader) {
        let type = reader.string("type", required: true)
        let soft = reader.integer("soft", UInt64.self, required: true)
        let hard = reader.integer("hard", UInt64.self, required: true)
        guard let type, let soft, let hard else { return nil }
        self.type = type
        self.soft = soft
        self.hard = hard
    }
}
