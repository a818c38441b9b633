internal import CLinux
internal import Glibc
public import SystemPackage

/// Sockets whose connections are relayed. None of these calls waits.
extension Network {
    /// Listens at a port of 127.0.0.1. The corresponding C functions are `bind` and `listen`.
    public static func listenAtLoopback(_ port: UInt16) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.adopt(clinux_listen_loopback(port))
    }
}

extension FileDescriptor {
    /// Listens at the socket `name`, which is made in this directory with the mode 0600. The
    /// corresponding C functions are `bind` and `listen`.
    public func listenAtSocket(_ name: String) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.adopt(unsafe clinux_listen(rawValue, name))
    }

    /// The process that has connected, and its user. The corresponding C function is `getsockopt` with
    /// `SO_PEERCRED`.
    public func peer() throws(Errno) -> (user: UInt32, process: Int32) {
        var user: UInt32 = 0
        var process: pid_t = 0
        try checkDone(unsafe clinux_peer(rawValue, &user, &process))
        return (user, process)
    }

    /// The next connection; nil where there is none. The corresponding C function is `accept4`.
    public func acceptConnection() throws(Errno) -> OwnedDescriptor? {
        do throws(Errno) {
            return try OwnedDescriptor.adopt(clinux_accept(rawValue))
        } catch .resourceTemporarilyUnavailable, .interrupted, .connectionAbort {
            return nil
        }
    }

    /// Connects to the stream socket `name` in this directory. The corresponding C function is
    /// `connect`.
    ///
    /// - Throws: `Errno.resourceTemporarilyUnavailable` where its backlog is full.
    public func connectSocket(_ name: String) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.adopt(
            unsafe clinux_connect(rawValue, name, SocketKind.stream.rawValue))
    }

    /// Writes to a socket that does not block, whose reader may be gone: `Errno.brokenPipe`.
    ///
    /// - Returns: How much was taken.
    ///
    /// The corresponding C function is `send` with `MSG_NOSIGNAL`.
    public func sendQuietly(_ bytes: ArraySlice<UInt8>) throws(Errno) -> Int {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe clinux_send_quietly(rawValue, $0.baseAddress, $0.count)
        }
        if count >= 0 { return count }
        let error = Errno(rawValue: errno)
        if error == .resourceTemporarilyUnavailable || error == .interrupted { return 0 }
        throw error
    }

    /// Nothing more comes from here. The corresponding C function is `shutdown` with `SHUT_WR`.
    public func endWriting() throws(Errno) {
        try checkDone(shutdown(rawValue, CInt(SHUT_WR)))
    }
}
