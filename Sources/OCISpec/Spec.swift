public import JSON

/// The config.json of the OCI runtime specification 1.3.0, as written: missing members are nil, and
/// every value has its place.
public struct Spec: Sendable {
    public var ociVersion: Located<String>?
    public var root: Root?
    public var process: Process?
    public var hostname: Located<String>?
    public var domainname: Located<String>?
    public var mounts: [Mount] = []
    public var linux: Linux?
    public var hooks: Hooks?
    public var vfs: VFS?
    public var annotations: [(key: Located<String>, value: Located<String>)] = []

    /// The specification's versions whose documents are understood, as `ociVersion` has them.
    public static let versions = (oldest: "1.0.0", newest: "1.3.0")

    public struct Root: Sendable {
        public var path: Located<String>?
        public var readonly: Located<Bool>?
        public var offset: Int
    }

    public struct Mount: Sendable {
        public var destination: Located<String>
        public var type: Located<String>?
        public var source: Located<String>?
        public var options: [Located<String>]
        /// Mappings of an id-mapped mount.
        public var uidMappings: [IDMapping]
        public var gidMappings: [IDMapping]
        public var offset: Int
    }

    /// Reads a whole document.
    public init(_ diagnostics: Diagnostics) {
        diagnostics.reportDuplicateKeys()
        guard let reader = ObjectReader(diagnostics.document.root, diagnostics) else { return }
        ociVersion = reader.string("ociVersion", required: true)
        root = reader.object("root").map(Root.init)
        process = reader.object("process").map(Process.init)
        hostname = reader.string("hostname")
        domainname = reader.string("domainname")
        mounts = reader.objects("mounts", Mount.init) ?? []
        linux = reader.object("linux").map(Linux.init)
        hooks = reader.object("hooks").map(Hooks.init)
        vfs = reader.object("vfs").map(VFS.init)
        annotations = reader.object("annotations")?.strings ?? []
    }
}

extension Spec.Root {
    init(_ reader: ObjectReader) {
        path = reader.string("path", required: true)
        readonly = reader.bool("readonly")
        offset = reader.offset
    }
}

extension Spec.Mount {
    /// Reads an entry of `mounts[]`.
    public init?(_ value: JSONValue, _ diagnostics: Diagnostics) {
        guard let reader = ObjectReader(value, diagnostics) else { return nil }
        self.init(reader)
    }

    init?(_ reader: ObjectReader) {
        guard let destination = reader.string("destination", required: true) else { return nil }
        self.destination = destination
        type = reader.string("type")
        source = reader.string("source")
        options = reader.strings("options") ?? []
        uidMappings = reader.objects("uidMappings", Spec.IDMapping.init) ?? []
        gidMappings = reader.objects("gidMappings", Spec.IDMapping.init) ?? []
        offset = reader.offset
    }
}

extension ObjectReader {
    /// All members, each a string under any name.
    var strings: [(key: Located<String>, value: Located<String>)] {
        named(.string).compactMap { member in
            guard let key = string(member.key), let value = string(member.value) else { return nil }
            return (key, value)
        }
    }
}
