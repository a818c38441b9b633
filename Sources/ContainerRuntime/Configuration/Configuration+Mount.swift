public import LinuxSystem

extension Configuration {
    /// One mount in the container.
    public struct Mount: Sendable {
        /// In the container, absolute.
        public var destination: String
        public var kind: Kind
        /// For this mount only.
        public var set: MountAttributes = []
        public var clear: MountAttributes = []
        /// For this mount and those below it: the `r…` options of the specification.
        public var setRecursively: MountAttributes = []
        public var clearRecursively: MountAttributes = []
        public var propagation: [Propagation] = []
        /// Whether a tmpfs starts with what the directory below it holds.
        public var copiesUp = false
        public var idMapping: IDMapping?
        public var origin: Origin
        /// The options as they were written, for people.
        public var optionText: String

        /// Whether it becomes read-only only when all mounts and devices are in place: a tmpfs,
        /// which starts empty.
        var isFilledFirst: Bool {
            guard case .fileSystem("tmpfs", _, _) = kind else { return false }
            return set.union(setRecursively).contains(.readOnly)
        }

        /// The ids that files are seen with, by those they have.
        public struct IDMapping: Sendable {
            /// Nil: those of the container's user namespace.
            public var mappings: IDMappings?
            /// Whether it includes the mounts below.
            public var isRecursive: Bool
        }

        public enum Kind: Sendable, Hashable {
            /// A tree of the host; `source` is absolute.
            case bind(source: String, isRecursive: Bool)
            /// A tree of the host, whose writes go elsewhere.
            case copyOnWrite(CopyOnWriteTree)
            /// A file system of its own.
            case fileSystem(type: String, source: String?, parameters: [Parameter])
            /// A read-only view of the host's control groups.
            case controlGroups
            /// New attributes for an existing mount.
            case remount
        }

        /// The `/dev` of a config without a mount there.
        static let devices = Configuration.Mount(
            destination: "/dev",
            kind: .fileSystem(
                type: "tmpfs", source: "tmpfs",
                parameters: [
                    Parameter(key: "mode", value: "755"), Parameter(key: "size", value: "64k"),
                    Parameter(key: "nr_inodes", value: "1k"),
                ]),
            set: [.noSetUserID, .noExecution], origin: .standard,
            optionText: "nosuid,noexec,mode=755,size=64k,nr_inodes=1k")

        /// One parameter of a file system: `mode=755`, `ro`.
        public struct Parameter: Sendable, Hashable {
            public var key: String
            public var value: String?
        }
    }
}
