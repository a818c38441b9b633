internal import JSON

extension Spec.VFS {
    /// What a run is held to (`vfs.limits`). Each limit holds, or the start is an error.
    public struct Limits: Sendable {
        /// Durations: `10s`, `500ms`, `2m`.
        public var wallTime: Located<String>?
        public var cpuTime: Located<String>?
        /// Sizes: `64m`, `1g`.
        public var output: Located<String>?
        public var disk: Located<String>?
        public var memory: Located<String>?
        public var pids: Located<UInt64>?
        /// The limits that may hold less well, or not at all; `true` is every one of them.
        public var bestEffort: BestEffort?
        public var offset: Int

        public enum BestEffort: Sendable {
            case all(Located<Bool>)
            case named([Located<String>])
        }
    }
}

extension Spec.VFS.Limits {
    /// Their keys, in the order of messages and reports.
    static let names = ["wallTime", "cpuTime", "memory", "pids", "output", "disk"]

    init(_ reader: ObjectReader) {
        reader.refuseMembers(otherThan: Spec.VFS.Limits.names + ["bestEffort"])
        wallTime = reader.string("wallTime")
        cpuTime = reader.string("cpuTime")
        output = reader.string("output")
        disk = reader.string("disk")
        memory = reader.string("memory")
        pids = reader.integer("pids", UInt64.self)
        offset = reader.offset
        guard let found = reader.member("bestEffort") else { return }
        if let bool = found.bool {
            bestEffort = .all(Located(bool, at: found.offset))
        } else {
            bestEffort = reader.strings("bestEffort").map(BestEffort.named)
        }
    }
}
