/// A message of D-Bus.
public struct DBusMessage: Sendable, Hashable {
    public enum Kind: UInt8, Sendable {
        case call = 1
        case answer, error, signal
    }

    public var kind: Kind
    /// Not zero; the answer names it.
    public var serial: UInt32
    public var path: String?
    public var interface: String?
    public var member: String?
    public var errorName: String?
    /// Of the message that this one answers.
    public var answeredSerial: UInt32?
    public var destination: String?
    public var sender: String?
    public var body: [DBusValue]

    public init(_ kind: Kind, serial: UInt32, body: [DBusValue] = []) {
        self.kind = kind
        self.serial = serial
        self.body = body
    }

    /// Larger than any message here; the specification allows 128 MiB.
    static let limit = 1 << 20

    // MARK: To bytes

    /// The header's fields by their codes.
    private var fields: [(UInt8, DBusValue)] {
        let signature = body.map(\.signature).joined()
        let all: [(UInt8, DBusValue?)] = [
            (1, path.map(DBusValue.objectPath)), (2, interface.map(DBusValue.string)),
            (3, member.map(DBusValue.string)), (4, errorName.map(DBusValue.string)),
            (5, answeredSerial.map(DBusValue.uint32)), (6, destination.map(DBusValue.string)),
            (7, sender.map(DBusValue.string)),
            (8, signature.isEmpty ? nil : .signature(signature)),
        ]
        return all.compactMap { code, value in value.map { (code, $0) } }
    }

    public var encoded: [UInt8] {
        var content = DBusWriter()
        for value in body { content.write(value) }
        var header = DBusWriter()
        for byte in [UInt8(ascii: "l"), kind.rawValue, 0, 1] { header.write(.byte(byte)) }
        header.write(.uint32(UInt32(content.bytes.count)))
        header.write(.uint32(serial))
        header.write(
            .array(
                of: "(yv)",
                fields.map { .structure([.byte($0.0), .variant($0.1)]) }))
        header.align(8)
        return header.bytes + content.bytes
    }

    // MARK: From bytes

    /// How many bytes a message has, as its first 16 bytes tell.
    ///
    /// - Returns: Nil where there are fewer.
    static func size(_ start: ArraySlice<UInt8>) throws(DBusError) -> Int? {
        if start.count < 16 { return nil }
        var reader = DBusReader(start.prefix(16), isBigEndian: try isBigEndian(start))
        let fixed = try reader.read("yyyyuuu")
        guard case .byte(1) = fixed[3] else { throw .malformed("its version is not 1") }
        guard case .uint32(let content) = fixed[4], case .uint32(let fields) = fixed[6],
            content <= limit, fields <= limit
        else { throw .malformed("it is larger than \(limit) bytes") }
        return 16 + (Int(fields) + 7) & ~7 + Int(content)
    }

    private static func isBigEndian(_ bytes: ArraySlice<UInt8>) throws(DBusError) -> Bool {
        switch bytes.first {
        case UInt8(ascii: "l"): return false
        case UInt8(ascii: "B"): return true
        default: throw .malformed("its byte order is neither l nor B")
        }
    }

    /// - Parameter bytes: Exactly one message.
    public init(_ bytes: ArraySlice<UInt8>) throws(DBusError) {
        let isBigEndian = try DBusMessage.isBigEndian(bytes)
        var reader = DBusReader(bytes, isBigEndian: isBigEndian)
        let header = try reader.read("yyyyuua(yv)")
        try reader.align(8)
        guard case .byte(let code) = header[1], let kind = Kind(rawValue: code),
            case .uint32(let serial) = header[5], case .array(_, let fields) = header[6]
        else { throw .malformed("its kind is unknown") }
        self.init(kind, serial: serial)
        var signature = ""
        for case .structure(let pair) in fields {
            guard case .byte(let code) = pair[0], case .variant(let value) = pair[1] else {
                continue
            }
            switch (code, value) {
            case (1, .objectPath(let text)): path = text
            case (2, .string(let text)): interface = text
            case (3, .string(let text)): member = text
            case (4, .string(let text)): errorName = text
            case (5, .uint32(let number)): answeredSerial = number
            case (6, .string(let text)): destination = text
            case (7, .string(let text)): sender = text
            case (8, .signature(let text)): signature = text
            case (1...8, _): throw .malformed("a field of its header has the wrong type")
            default: break
            }
        }
        var content = DBusReader(
            bytes.dropFirst(reader.position), isBigEndian: isBigEndian)
        body = try content.read(signature)
        if !content.isAtEnd { throw .malformed("its body is longer than its signature says") }
    }
}
