internal import JSON

extension Spec.Linux {
    /// The allocation of CPU caches and of memory bandwidth (resctrl).
    public struct IntelRdt: Sendable {
        public var closID: Located<String>?
        public var l3CacheSchema: Located<String>?
        public var memBwSchema: Located<String>?
        public var schemata: [Located<String>]
        public var enableMonitoring: Located<Bool>?
        public var offset: Int
    }
}

extension Spec.Linux.IntelRdt {
    init(_ reader: ObjectReader) {
        closID = reader.string("closID")
        l3CacheSchema = reader.string("l3CacheSchema")
        memBwSchema = reader.string("memBwSchema")
        schemata = reader.strings("schemata") ?? []
        enableMonitoring = reader.bool("enableMonitoring")
        offset = reader.offset
    }
}
