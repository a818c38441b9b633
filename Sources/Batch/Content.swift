internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// Bytes of a line: `{"text":…}`, `{"base64":…}` or `{"file":…}`.
enum Content: Sendable, Hashable {
    case bytes([UInt8])
    /// A file of the host, absolute.
    case file(String)

    init(_ value: JSONValue, _ place: String) throws(Failure) {
        let keys = value.members.compactMap(\.key.string).filter { $0 != "mode" }
        guard value.kind == .object, keys.count == 1, let found = value[keys[0]]?.string else {
            throw Failure(
                "\(place) is not an object with one of the strings \"text\", \"base64\" and"
                    + " \"file\"")
        }
        switch keys[0] {
        case "text": self = .bytes(Array(found.utf8))
        case "base64":
            guard let bytes = Base64.decode(found) else {
                throw Failure("\(place).base64 is not base64 with padding and without line ends")
            }
            self = .bytes(bytes)
        case "file":
            if !found.hasPrefix("/") || found.utf8.contains(0) {
                throw Failure("\(place).file is not an absolute path")
            }
            self = .file(found)
        default:
            throw Failure("\(place).\(keys[0]) is not known; write text, base64 or file")
        }
    }

    /// - Parameter limit: More bytes are an error.
    func read(limit: Int) throws(Failure) -> [UInt8] {
        switch self {
        case .bytes(let bytes): return bytes
        case .file:
            let file = try open()
            return try attempt("read", on: name, try file.borrowed.readAll(limit: limit))
        }
    }

    /// A file of the host, opened.
    func open() throws(Failure) -> OwnedDescriptor {
        let flags: OpenFlags = [.readOnly, .nonBlocking, .noControllingTerminal]
        let opened = try attempt("open", on: name, try HostPath.open(name, flags))
        let kind = try attempt("fstat", on: name, try FileStatus.of(opened.borrowed)).kind
        if kind != .regular { throw Failure("\(name.inQuotes) is no regular file") }
        return opened
    }

    private var name: String { if case .file(let path) = self { path } else { "" } }
}

extension JSONOutput {
    /// Bytes as text where they are UTF-8, and else in base64.
    static func content(_ bytes: [UInt8], mode: UInt32? = nil) -> JSONOutput {
        var members: [(key: String, value: JSONOutput)] = []
        if let text = String(validating: bytes, as: UTF8.self) {
            members.append(("text", .string(text)))
        } else {
            members.append(("base64", .string(Base64.encode(bytes))))
        }
        if let mode { members.append(("mode", .string(String(mode, radix: 8)))) }
        return .object(members)
    }
}
