extension Spec {
    /// Programs that run at points in the life of the container.
    public struct Hooks: Sendable {
        public var prestart: [Hook]
        public var createRuntime: [Hook]
        public var createContainer: [Hook]
        public var startContainer: [Hook]
        public var poststart: [Hook]
        public var poststop: [Hook]

        /// All of them.
        public var all: [Hook] {
            prestart + createRuntime + createContainer + startContainer + poststart + poststop
        }
    }

    public struct Hook: Sendable {
        /// Absolute.
        public var path: Located<String>
        /// With the name of the program itself.
        public var args: [Located<String>]
        public var env: [Located<String>]
        /// In seconds.
        public var timeout: Located<Int>?
        public var offset: Int
    }
}

extension Spec.Hooks {
    init(_ reader: ObjectReader) {
        prestart = reader.objects("prestart", Spec.Hook.init) ?? []
        createRuntime = reader.objects("createRuntime", Spec.Hook.init) ?? []
        createContainer = reader.objects("createContainer", Spec.Hook.init) ?? []
        startContainer = reader.objects("startContainer", Spec.Hook.init) ?? []
        poststart = reader.objects("poststart", Spec.Hook.init) ?? []
        poststop = reader.objects("poststop", Spec.Hook.init) ?? []
    }
}

extension Spec.Hook {
    init?(_ reader: ObjectReader) {
        let path = reader.string("path", required: true)
        args = reader.strings("args") ?? []
        env = reader.strings("env") ?? []
        timeout = reader.integer("timeout", Int.self)
        offset = reader.offset
        guard let path else { return nil }
        self.path = path
    }
}
