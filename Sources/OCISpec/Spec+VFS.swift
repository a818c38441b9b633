internal import JSON

extension Spec {
    /// The key `vfs` of vfs-run, which other runtimes ignore.
    public struct VFS: Sendable {
        public var overlay: OverlaySetting?
        /// A seccomp profile: `default` for the built-in one, or a file relative to the
        /// bundle. `linux.seccomp` is the same thing written in place.
        public var seccomp: Located<String>?
        /// `adapt`: without root privileges, only available ids and limits are used.
        public var rootless: Located<String>?

        /// What the container reaches by its network.
        public var network: Network?

        public enum OverlaySetting: Sendable {
            /// `"overlay": false` or `true`.
            case enabled(Located<Bool>)
            case object(Overlay)
        }

        /// The layers of the root file system.
        public struct Overlay: Sendable {
            /// Directories, bottom first, relative to the bundle.
            public var layers: [Located<String>]?
            /// The directory that keeps the writable layer, relative to the bundle.
            public var upper: Located<String>?
            /// The maximum size of a discarded upper: `256M`, `10%`.
            public var size: Located<String>?
            /// The maximum number of its files, including directories and links.
            public var inodes: Located<UInt64>?
            /// Options of overlayfs: `metacopy=on`.
            public var options: [Located<String>]
            public var offset: Int
        }
    }
}

extension Spec.VFS {
    init(_ reader: ObjectReader) {
        reader.refuseMembers(otherThan: ["overlay", "seccomp", "rootless", "network"])
        network = Spec.VFS.network(reader)
        seccomp = reader.string("seccomp")
        rootless = reader.string("rootless")
        if let rootless, rootless.value != "adapt" {
            reader.diagnostics.error(
                "\"\(rootless.value)\" is unknown; write \"adapt\" to use only ids and limits that are"
                    + " available without root privileges, or remove the key to require all",
                at: rootless.offset)
        }
        guard let found = reader.member("overlay") else { return }
        if let bool = found.bool {
            overlay = .enabled(Located(bool, at: found.offset))
        } else if found.kind == .object, let object = reader.object("overlay") {
            overlay = .object(Overlay(object))
        } else {
            reader.diagnostics.error(
                "\(found.shown) is neither an object nor a boolean", at: found.offset)
        }
    }
}

extension Spec.VFS.Overlay {
    init(_ reader: ObjectReader) {
        reader.refuseMembers(otherThan: ["layers", "upper", "size", "inodes", "options"])
        layers = reader.strings("layers")
        upper = reader.string("upper")
        size = reader.string("size")
        inodes = reader.integer("inodes", UInt64.self)
        options = reader.strings("options") ?? []
        offset = reader.offset
    }
}
