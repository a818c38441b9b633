public import JSON

extension Spec {
    /// Settings specific to Linux.
    public struct Linux: Sendable {
        public var namespaces: [Namespace]
        public var devices: [Device]
        public var sysctl: [(key: Located<String>, value: Located<String>)]
        public var maskedPaths: [Located<String>]
        public var readonlyPaths: [Located<String>]
        public var rootfsPropagation: Located<RootPropagation>?
        /// The profile, not yet read: `Spec.Seccomp(_:_:)` reads it.
        public var seccomp: JSONValue?
        public var resources: Resources?
        public var cgroupsPath: Located<String>?
        public var personality: Personality?
        public var memoryPolicy: MemoryPolicy?
        /// By their names on the host.
        public var netDevices: [NetworkDevice]
        public var mountLabel: Located<String>?
        public var intelRdt: IntelRdt?
        public var uidMappings: [IDMapping]
        public var gidMappings: [IDMapping]
        /// By the clock's name.
        public var timeOffsets: [TimeOffset]
        public var offset: Int

        /// A device of the host that becomes the container's.
        public struct NetworkDevice: Sendable {
            public var name: Located<String>
            /// In the container; nil keeps the name.
            public var newName: Located<String>?
        }

        public struct Namespace: Sendable {
            public var type: Located<Kind>
            public var path: Located<String>?
            public var offset: Int

            public enum Kind: String, Sendable, CaseIterable {
                case pid, network, mount, ipc, uts, user, cgroup, time
            }
        }

        public struct Device: Sendable {
            public var type: Located<Kind>
            public var path: Located<String>
            public var major: Located<Int64>?
            public var minor: Located<Int64>?
            public var fileMode: Located<UInt32>?
            public var uid: Located<UInt32>?
            public var gid: Located<UInt32>?
            public var offset: Int

            public enum Kind: String, Sendable, CaseIterable {
                case character = "c"
                case block = "b"
                case unbuffered = "u"
                case fifo = "p"
            }
        }

        public enum RootPropagation: String, Sendable, CaseIterable {
            case shared, slave, `private`, unbindable
            case recursiveShared = "rshared"
            case recursiveSlave = "rslave"
            case recursivePrivate = "rprivate"
            case recursiveUnbindable = "runbindable"
        }
    }
}

extension Spec.Linux {
    init(_ reader: ObjectReader) {
        namespaces = reader.objects("namespaces", Namespace.init) ?? []
        devices = reader.objects("devices", Device.init) ?? []
        sysctl = reader.object("sysctl")?.strings ?? []
        maskedPaths = reader.strings("maskedPaths") ?? []
        readonlyPaths = reader.strings("readonlyPaths") ?? []
        rootfsPropagation = reader.choice("rootfsPropagation", RootPropagation.self)
        seccomp = reader.object("seccomp")?.value
        resources = reader.object("resources").map(Resources.init)
        personality = reader.object("personality").flatMap(Personality.init)
        cgroupsPath = reader.string("cgroupsPath")
        uidMappings = reader.objects("uidMappings", Spec.IDMapping.init) ?? []
        gidMappings = reader.objects("gidMappings", Spec.IDMapping.init) ?? []
        timeOffsets = TimeOffset.all(reader)
        memoryPolicy = reader.object("memoryPolicy").flatMap(MemoryPolicy.init)
        netDevices = NetworkDevice.all(reader)
        mountLabel = reader.string("mountLabel")
        intelRdt = reader.object("intelRdt").map(IntelRdt.init)
        offset = reader.offset
    }
}

extension Spec.Linux.NetworkDevice {
    fileprivate static func all(_ reader: ObjectReader) -> [Self] {
        guard let devices = reader.object("netDevices") else { return [] }
        return devices.named(.object).compactMap { key, value in
            guard let name = devices.string(key),
                let device = ObjectReader(value, devices.diagnostics)
            else { return nil }
            return Self(name: name, newName: device.string("name"))
        }
    }
}

extension Spec.Linux.Namespace {
    init?(_ reader: ObjectReader) {
        guard let type = reader.choice("type", Kind.self, required: true) else { return nil }
        self.type = type
        path = reader.string("path")
        offset = reader.offset
    }
}

extension Spec.Linux.Device {
    init?(_ reader: ObjectReader) {
        let type = reader.choice("type", Kind.self, required: true)
        let path = reader.string("path", required: true)
        let needsNumber = type.map { $0.value != .fifo } ?? false
        major = reader.integer("major", Int64.self, required: needsNumber)
        minor = reader.integer("minor", Int64.self, required: needsNumber)
        fileMode = reader.integer("fileMode", UInt32.self)
        uid = reader.integer("uid", UInt32.self)
        gid = reader.integer("gid", UInt32.self)
        offset = reader.offset
        guard let type, let path else { return nil }
        self.type = type
        self.path = path
    }
}
