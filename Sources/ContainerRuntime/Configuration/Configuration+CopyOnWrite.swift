/// Parts of the host's tree that the container sees, and files that the runtime makes.
extension Configuration {
    /// A directory of the host that the container sees and writes to without changing it.
    public struct CopyOnWriteTree: Sendable, Hashable {
        /// On the host, absolute.
        public var path: String
        /// The directory that keeps the writes, absolute; nil: they are discarded.
        public var upper: String?
        /// Whether something reads the upper when the container has ended.
        public var isRead = false
        /// Among the trees, counted from 0.
        public var number: Int
    }

    /// A file that the runtime makes in the container's tree.
    public struct MadeFile: Sendable {
        /// In the container, absolute.
        public var path: String
        public var content: Content
        /// Permission bits; nil: those of the source, or 0755 and 0644.
        public var mode: UInt32?
        public var origin: Origin

        public enum Content: Sendable, Hashable {
            case text(String)
            /// A file of the host, absolute; `number` counts the sources from 0.
            case source(String, number: Int)
            /// A symbolic link.
            case link(String)
            case directory
        }

        /// Whether mounts may lie in it or lead through it.
        var isPlace: Bool {
            switch content {
            case .link, .directory: true
            case .text, .source: false
            }
        }
    }
}
