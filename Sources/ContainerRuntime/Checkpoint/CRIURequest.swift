internal import LinuxSystem

/// A request to `criu swrk`: `criu_req` of CRIU's images/rpc.proto.
struct CRIURequest {
    /// The numbers of `criu_req_type`.
    enum Kind: Int64 {
        case dump = 1
        case restore = 2
        case check = 3
        case version = 10
        case preDump = 13
        /// In requests: the answer to a notice.
        case notice = 6
    }

    /// The fields of `criu_opts`.
    enum Option: Int {
        case imagesDirectory = 1
        case process = 2
        case leavesRunning = 3
        case externalUnixSockets = 4
        case establishedConnections = 5
        case evasiveDevices = 6
        case shellJob = 7
        case fileLocks = 8
        case logLevel = 9
        case logFile = 10
        case pageServer = 11
        case notices = 12
        case root = 13
        case parentImages = 14
        case tracksMemory = 15
        case deduplicates = 16
        case workDirectory = 17
        case linksRemoved = 18
        case externalMount = 23
        case managesControlGroups = 24
        case controlGroupRoot = 25
        case restoresSibling = 26
        case inheritedDescriptor = 27
        case controlGroupMode = 34
        case external = 37
        case emptyNamespaces = 38
        case joinedNamespace = 39
        case freezer = 44
        case skipsInFlight = 46
        case lazyPages = 48
        case statusDescriptor = 49
        case orphanedTerminals = 50
        case configFile = 51
        case label = 53
        case mountLabel = 63
    }

    let kind: Kind
    private var options = ProtocolBuffer()

    init(_ kind: Kind) { self.kind = kind }

    mutating func set(_ option: Option, _ number: Int) {
        options.add(option.rawValue, Int64(number))
    }
    mutating func set(_ option: Option, _ flag: Bool) { options.add(option.rawValue, flag) }
    mutating func set(_ option: Option, _ text: String) { options.add(option.rawValue, text) }
    mutating func set(_ option: Option, _ descriptor: CInt) {
        options.add(option.rawValue, Int64(descriptor))
    }

    /// A mount that stays outside of the image.
    ///
    /// - Parameters:
    ///   - name: On dump the mount point in the container; on restore the name from the dump.
    ///   - value: On dump a name; on restore the path of its source.
    mutating func add(externalMount name: String, _ value: String) {
        var pair = ProtocolBuffer()
        pair.add(1, name)
        pair.add(2, value)
        options.add(Option.externalMount.rawValue, pair)
    }

    /// A file that CRIU takes from its own descriptors in place of one in the image.
    mutating func add(inherited name: String, _ descriptor: CInt) {
        var pair = ProtocolBuffer()
        pair.add(1, name)
        pair.add(2, Int64(descriptor))
        options.add(Option.inheritedDescriptor.rawValue, pair)
    }

    /// A namespace that is there.
    mutating func add(joined kind: String, _ path: String) {
        var pair = ProtocolBuffer()
        pair.add(1, kind)
        pair.add(2, path)
        options.add(Option.joinedNamespace.rawValue, pair)
    }

    mutating func add(controlGroupRoot path: String, of controllers: String) {
        var pair = ProtocolBuffer()
        pair.add(1, controllers)
        pair.add(2, path)
        options.add(Option.controlGroupRoot.rawValue, pair)
    }

    mutating func set(pageServer address: String, port: UInt16) {
        var server = ProtocolBuffer()
        server.add(1, address)
        server.add(2, Int64(port))
        options.add(Option.pageServer.rawValue, server)
    }

    var encoded: [UInt8] {
        var request = ProtocolBuffer()
        request.add(1, kind.rawValue)
        // `images_dir_fd` is required there.
        if !options.bytes.isEmpty { request.add(2, options) }
        return request.bytes
    }

    /// The answer to a notice.
    static var goesOn: [UInt8] {
        var request = ProtocolBuffer()
        request.add(1, Kind.notice.rawValue)
        request.add(3, true)
        return request.bytes
    }
}

/// What `criu swrk` says: `criu_resp`.
struct CRIUResponse: Equatable {
    var kind: Int64
    var isSuccess: Bool
    /// Of a notice: the moment that CRIU waits at.
    var script: String?
    /// Of a notice or a restore: the first process.
    var process: Int32?
    /// Its error number, and its sentence.
    var errno: Int32?
    var message: String?
    /// 40101 for 4.1.1.
    var version: Int?

    /// Nil for what is no response.
    init?(_ bytes: [UInt8]) {
        guard let fields = ProtocolBuffer.read(bytes), let kind = fields[1]?.number,
            let success = fields[2]?.number
        else { return nil }
        self.kind = kind
        isSuccess = success != 0
        if let restore = fields[4]?.bytes.flatMap(ProtocolBuffer.read) {
            process = restore[1]?.number.flatMap { Int32(exactly: $0) }
        }
        if let notice = fields[5]?.bytes.flatMap(ProtocolBuffer.read) {
            script = notice[1]?.text
            process = notice[2]?.number.flatMap { Int32(exactly: $0) }
        }
        errno = fields[7]?.number.flatMap { Int32(exactly: $0) }
        message = fields[9]?.text
        if let told = fields[10]?.bytes.flatMap(ProtocolBuffer.read) {
            func part(_ field: Int) -> Int { Int(clamping: told[field]?.number ?? 0) }
            version = part(1) * 10000 + part(2) * 100 + part(4)
        }
    }
}
