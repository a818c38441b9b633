public import LinuxSystem
internal import SystemPackage

/// A failed conversation with a server.
public enum DBusError: Error, Sendable, Hashable, CustomStringConvertible {
    case call(Failure)
    /// The bytes received are not a message.
    case malformed(String)
    /// The server refused the authentication; its answer.
    case refused(String)
    case closed
    case timedOut
    /// The answer is an error: its name, `org.freedesktop.DBus.Error.AccessDenied`, and a sentence.
    case remote(name: String, message: String)

    public var description: String {
        switch self {
        case .call(let error): error.description
        case .malformed(let what): "the answer is not a D-Bus message: \(what)"
        case .refused(let words): "the server refused this user: \(words)"
        case .closed: "the connection was closed"
        case .timedOut: "no answer in time"
        case .remote(let name, let message): message.isEmpty ? name : "\(message) (\(name))"
        }
    }
}
