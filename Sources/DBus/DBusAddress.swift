/// The address of a server: a socket of a path, or of an abstract name (D-Bus specification,
/// "Server Addresses").
public enum DBusAddress: Sendable, Hashable {
    case path(String)
    case abstract(String)

    /// The addresses of this text that can be connected to:
    /// `unix:path=/run/user/1000/bus,guid=…;unix:abstract=/tmp/dbus`.
    public static func list(_ text: String) -> [DBusAddress] {
        text.split(separator: ";").compactMap(one)
    }

    private static func one(_ text: Substring) -> DBusAddress? {
        guard text.hasPrefix("unix:") else { return nil }
        for pair in text.dropFirst(5).split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = unescaped(parts[1]) else { continue }
            if parts[0] == "path" { return .path(value) }
            if parts[0] == "abstract" { return .abstract(value) }
        }
        return nil
    }

    /// `%20` is a space.
    private static func unescaped(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard rest.count >= 2, let code = UInt8(digits, radix: 16), code != 0 else {
                return nil
            }
            bytes.append(code)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    public var words: String {
        switch self {
        case .path(let path): "\"\(path)\""
        case .abstract(let name): "\"@\(name)\""
        }
    }
}
