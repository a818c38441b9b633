internal import OCISpec

extension Configuration {
    /// `hooks`: programs that run at points in the life of the container.
    public struct Hooks: Sendable {
        public var prestart: [Hook] = []
        public var createRuntime: [Hook] = []
        public var createContainer: [Hook] = []
        public var startContainer: [Hook] = []
        public var poststart: [Hook] = []
        public var poststop: [Hook] = []

        /// The point of the container's life, by the name config.json gives it.
        public enum Kind: String, Sendable, CaseIterable {
            case prestart, createRuntime, createContainer, startContainer, poststart, poststop
        }

        public subscript(kind: Kind) -> [Hook] {
            switch kind {
            case .prestart: prestart
            case .createRuntime: createRuntime
            case .createContainer: createContainer
            case .startContainer: startContainer
            case .poststart: poststart
            case .poststop: poststop
            }
        }
    }

    public struct Hook: Sendable {
        /// Absolute.
        public var path: String
        /// With the name of the program itself: never empty.
        public var arguments: [String]
        public var environment: [String]
        /// In seconds; nil: no limit.
        public var timeout: Int?
        public var origin: Origin
    }
}

extension Configuration.Hooks {
    init(_ spec: Spec.Hooks) {
        prestart = spec.prestart.map(Configuration.Hook.init)
        createRuntime = spec.createRuntime.map(Configuration.Hook.init)
        createContainer = spec.createContainer.map(Configuration.Hook.init)
        startContainer = spec.startContainer.map(Configuration.Hook.init)
        poststart = spec.poststart.map(Configuration.Hook.init)
        poststop = spec.poststop.map(Configuration.Hook.init)
    }
}

extension Configuration.Hook {
    fileprivate init(_ spec: Spec.Hook) {
        path = spec.path.value
        arguments = spec.args.isEmpty ? [spec.path.value] : spec.args.map(\.value)
        environment = spec.env.map(\.value)
        timeout = spec.timeout?.value
        origin = .config(spec.offset)
    }
}
