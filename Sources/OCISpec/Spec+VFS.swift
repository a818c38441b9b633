internal import JSON

extension Spec {
    /// The key `vfs` of vfs-run, which other runtimes ignore.
    public struct VFS: Sendable {
        public var overlay: OverlaySetting?
        /// A seccomp profile: `default` or `strict` for a built-in one, or a file relative to the
        /// bundle. `linux.seccomp` is the same thing written in place.
        public var seccomp: Located<String>?
        /// Whether process 1 is an init, and the program process 2.
        public var hasInit: Located<Bool>?
        /// Whether Landlock confines the program by rules made from the mounts.
        public var landlock: Located<Bool>?
        /// `adapt`: without root privileges, only available ids and limits are used.
        public var rootless: Located<String>?
        /// Whether `process.cwd` is made where it is missing.
        public var makesWorkingDirectory: Located<Bool>?
        /// Directories of the host that the container sees and writes to without changing them.
        public var copyOnWrite: [Tree]
        /// Files, links and directories that the runtime makes in the container's tree.
        public var files: [File]

        /// A directory of the host, copy-on-write.
        public struct Tree: Sendable {
            /// On the host, relative to the bundle.
            public var path: Located<String>
            /// In the container; nil: the same path.
            public var destination: Located<String>?
            /// The directory that keeps the writes, relative to the bundle; nil: they are discarded.
            public var upper: Located<String>?
            public var offset: Int
        }

        /// A file that the runtime makes in the container's tree.
        public struct File: Sendable {
            /// In the container.
            public var path: Located<String>
            /// Its content, as text.
            public var content: Located<String>?
            /// A file of the host, relative to the bundle, whose content it gets; with `names` a
            /// directory.
            public var source: Located<String>?
            /// Files of the directory `source`, which are copied to the directory `path`.
            public var names: [Located<String>]?
            /// Where a symbolic link leads.
            public var target: Located<String>?
            /// Whether it is a directory.
            public var directory: Located<Bool>?
            /// Permission bits, as octal digits.
            public var mode: Located<String>?
            public var offset: Int
        }
        /// What the run is held to.
        public var limits: Limits?

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
        network = Spec.VFS.network(reader)
        reader.refuseMembers(
            otherThan: [
                "overlay", "seccomp", "rootless", "init", "landlock", "copyOnWrite", "files",
                "limits", "network", "makeCwd",
            ])
        makesWorkingDirectory = reader.bool("makeCwd")
        copyOnWrite = reader.objects("copyOnWrite", Tree.init) ?? []
        files = reader.objects("files", File.init) ?? []
        seccomp = reader.string("seccomp")
        hasInit = reader.bool("init")
        landlock = reader.bool("landlock")
        rootless = reader.string("rootless")
        if let rootless, rootless.value != "adapt" {
            reader.diagnostics.error(
                "\"\(rootless.value)\" is unknown; write \"adapt\" to use only ids and limits that are"
                    + " available without root privileges, or remove the key to require all",
                at: rootless.offset)
        }
        limits = reader.object("limits").map(Limits.init)
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

extension Spec.VFS.Tree {
    init?(_ reader: ObjectReader) {
        reader.refuseMembers(otherThan: ["path", "destination", "upper"])
        guard let path = reader.string("path", required: true) else { return nil }
        self.path = path
        destination = reader.string("destination")
        upper = reader.string("upper")
        offset = reader.offset
    }
}

extension Spec.VFS.File {
    init?(_ reader: ObjectReader) {
        reader.refuseMembers(
            otherThan: ["path", "content", "source", "names", "target", "directory", "mode"])
        guard let path = reader.string("path", required: true) else { return nil }
        self.path = path
        content = reader.string("content")
        source = reader.string("source")
        names = reader.strings("names")
        target = reader.string("target")
        directory = reader.bool("directory")
        mode = reader.string("mode")
        offset = reader.offset
    }
}
