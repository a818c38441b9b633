public import LinuxSystem
internal import SystemPackage

/// What goes wrong between this process and whoever it talks to.
public enum DBusError: Error, Sendable, Hashable, CustomStringConvertible {
    case call(Failure)
    /// What came is no message.
    case malformed(String)
    /// The other side does not let this process in; what it said.
    case refused(String)
    case closed
    case timedOut
    /// The answer is an error: its name, `org.freedesktop.DBus.Error.AccessDenied`, and a sentence.
    case remote(name: String, message: String)

    public var description: String {
        switch self {
        case .call(let error): error.description
        case .malformed(let what): "the answer is no message of D-Bus: \(what)"
        case .refused(let words): "it does not let this user in: \(words)"
        case .closed: "it has closed the connection"
        case .timedOut: "it has not answered in time"
        case .remote(let name, let message): message.isEmpty ? name : "\(message) (\(name))"
        }
    }
}
