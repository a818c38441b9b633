internal import JSON

extension Spec {
    /// Ids of a user namespace, and those of its parent that they stand for.
    public struct IDMapping: Sendable {
        public var containerID: Located<UInt32>
        public var hostID: Located<UInt32>
        public var size: Located<UInt32>
        public var offset: Int
    }
}

extension Spec.IDMapping {
    init?(_ reader: ObjectReader) {
        let containerID = reader.integer("containerID", UInt32.self, required: true)
        let hostID = reader.integer("hostID", UInt32.self, required: true)
        let size = reader.integer("size", UInt32.self, required: true)
        guard let containerID, let hostID, let size else { return nil }
        self.containerID = containerID
        self.hostID = hostID
        self.size = size
        offset = reader.offset
    }
}

extension Spec.Linux {
    public typealias IDMapping = Spec.IDMapping

    /// The offset of a clock in the time namespace.
    public struct TimeOffset: Sendable {
        public var clock: Located<String>
        public var seconds: Int64
        public var nanoseconds: UInt32
    }
}

extension Spec.Linux.TimeOffset {
    /// The clocks that a time namespace has of its own (time_namespaces(7)).
    public static let clocks = ["monotonic", "boottime"]

    static func all(_ reader: ObjectReader) -> [Self] {
        guard let offsets = reader.object("timeOffsets") else { return [] }
        return offsets.named(.object).compactMap { key, value in
            guard let clock = offsets.string(key),
                let offset = ObjectReader(value, offsets.diagnostics)
            else { return nil }
            return Self(
                clock: clock, seconds: offset.integer("secs", Int64.self)?.value ?? 0,
                nanoseconds: offset.integer("nanosecs", UInt32.self)?.value ?? 0)
        }
    }
}
