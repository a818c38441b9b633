internal import CLinux
internal import Glibc
public import SystemPackage

/// Kinds of unix sockets (unix(7)).
public enum SocketKind: CInt, Sendable {
    case stream = 1
    case datagram = 2
    case packets = 5

    /// How many seconds the other side has to accept a connection, or to take a message.
    static let patience: UInt64 = 5

    /// The moment until which the other side has to act (`Clock.nanoseconds`).
    public static var deadline: UInt64 { Clock.deadline(seconds: patience) }
}

extension FileDescriptor {
    /// Makes a datagram socket in this directory that never blocks, of the mode that the umask
    /// leaves. The corresponding C function is `bind`.
    public func bindDatagramSocket(_ name: String) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.adopt(unsafe clinux_bind_datagram(rawValue, name))
    }

    /// Sends one message through this socket, with a descriptor where there is one to pass.
    ///
    /// - Throws: `Errno.timedOut` where the receiver takes nothing until `deadline`.
    ///
    /// The corresponding C function is `sendmsg` with `SCM_RIGHTS` and `MSG_DONTWAIT`.
    public func send(
        _ bytes: [UInt8], passing descriptor: FileDescriptor? = nil,
        until deadline: UInt64 = SocketKind.deadline
    ) throws(Errno) {
        while true {
            do throws(Errno) {
                let sent = try retryOnInterrupt {
                    unsafe bytes.withUnsafeBytes {
                        unsafe clinux_send(
                            rawValue, $0.baseAddress, $0.count, descriptor?.rawValue ?? -1, 0)
                    }
                }
                if sent != bytes.count { throw .messageTooLong }
                return
            } catch .resourceTemporarilyUnavailable {
                if Clock.nanoseconds >= deadline { throw .timedOut }
            }
            _ = try Poll.wait([(self, .writable)], until: deadline)
        }
    }

    /// The next bytes of this socket or pipe; nil at its end. The corresponding C function is `read`.
    public func receiveBytes(_ capacity: Int) throws(Errno) -> [UInt8]? {
        while true {
            if let bytes = try readSome(capacity) { return bytes.isEmpty ? nil : bytes }
            _ = try Poll.wait([(self, .readable)])
        }
    }
}

extension HostPath {
    /// Connects to a socket of the host, of any length of name.
    ///
    /// - Parameter kind: Of the socket, as the listener has made it.
    /// - Returns: A socket that does not block.
    /// - Throws: `Errno.timedOut` where the server does not accept for `SocketKind.patience`.
    ///
    /// The corresponding C function is `connect`.
    public static func connect(
        _ path: String, _ kind: SocketKind = .stream
    ) throws(Errno) -> OwnedDescriptor {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        let directory = try open(parent, [.path, .directory])
        return try connecting {
            unsafe clinux_connect(directory.borrowed.rawValue, name, kind.rawValue)
        }
    }

    /// A backlog that is full is no state that poll(2) knows of: it is tried again.
    private static func connecting(_ connect: () -> CInt) throws(Errno) -> OwnedDescriptor {
        let deadline = Clock.deadline(seconds: SocketKind.patience)
        while true {
            do throws(Errno) {
                return try OwnedDescriptor.adopt(connect())
            } catch .resourceTemporarilyUnavailable {
                if Clock.nanoseconds >= deadline { throw .timedOut }
            }
            try Poll.pause(milliseconds: 10)
        }
    }

    /// As `connect`, to a socket whose name is in no directory (unix(7), abstract).
    public static func connectAbstract(
        _ name: String, _ kind: SocketKind
    ) throws(Errno) -> OwnedDescriptor {
        try connecting { unsafe clinux_connect_abstract(name, kind.rawValue) }
    }
}
