/// A value of a D-Bus message, with its type (D-Bus specification, "Type System").
public indirect enum DBusValue: Sendable, Hashable {
    case byte(UInt8)
    case bool(Bool)
    case int16(Int16)
    case uint16(UInt16)
    case int32(Int32)
    case uint32(UInt32)
    case int64(Int64)
    case uint64(UInt64)
    case double(Double)
    case string(String)
    case objectPath(String)
    case signature(String)
    /// An index among the descriptors of a message.
    case descriptor(UInt32)
    /// - Parameter of: The signature of its elements, which an empty one cannot tell by them.
    case array(of: String, [DBusValue])
    case structure([DBusValue])
    /// Of a dictionary, which is an array of them.
    case entry(DBusValue, DBusValue)
    case variant(DBusValue)

    /// `as`, `a(sv)`
    public var signature: String {
        switch self {
        case .byte: "y"
        case .bool: "b"
        case .int16: "n"
        case .uint16: "q"
        case .int32: "i"
        case .uint32: "u"
        case .int64: "x"
        case .uint64: "t"
        case .double: "d"
        case .string: "s"
        case .objectPath: "o"
        case .signature: "g"
        case .descriptor: "h"
        case .array(let element, _): "a" + element
        case .structure(let members): "(" + members.map(\.signature).joined() + ")"
        case .entry(let key, let value): "{" + key.signature + value.signature + "}"
        case .variant: "v"
        }
    }

    public static func strings(_ strings: [String]) -> DBusValue {
        .array(of: "s", strings.map(DBusValue.string))
    }

    public static func bytes(_ bytes: [UInt8]) -> DBusValue {
        .array(of: "y", bytes.map(DBusValue.byte))
    }

    /// Its text, where it is text of any kind.
    public var text: String? {
        switch self {
        case .string(let text), .objectPath(let text), .signature(let text): text
        case .variant(let inner): inner.text
        default: nil
        }
    }
}
