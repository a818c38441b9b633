internal import JSON

extension Spec.VFS {
    /// What the container reaches by its network.
    public enum Network: Sendable {
        case mode(Located<Mode>)
        /// The socket of a proxy of the host, relative to the bundle.
        case proxy(Located<String>)

        public enum Mode: String, Sendable, CaseIterable {
            /// Itself alone, by the loopback interface.
            case none
            /// All that the host reaches: it has no network namespace.
            case host
            /// What the host reaches, through a process that passes packets on.
            case pasta, slirp4netns
        }

        public var offset: Int {
            switch self {
            case .mode(let mode): mode.offset
            case .proxy(let path): path.offset
            }
        }
    }

    /// `vfs.network`: a word, or an object with a proxy.
    static func network(_ reader: ObjectReader) -> Network? {
        guard let found = reader.member("network") else { return nil }
        if found.kind != .object {
            return reader.choice(found, Network.Mode.self).map(Network.mode)
        }
        guard let object = ObjectReader(found, reader.diagnostics) else { return nil }
        object.refuseMembers(otherThan: ["proxy"])
        return object.string("proxy", required: true).map(Network.proxy)
    }
}
