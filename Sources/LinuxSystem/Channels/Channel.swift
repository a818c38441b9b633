internal import CLinux
internal import Glibc
public import SystemPackage

/// One end of a SEQPACKET pair: whole messages, each with at most one descriptor.
public struct Channel: ~Copyable, Sendable {
    private let socket: OwnedDescriptor

    /// The largest message, in bytes.
    public static let capacity = 16384

    /// A message as it arrived.
    public struct Message: ~Copyable {
        public let bytes: [UInt8]
        public let descriptor: OwnedDescriptor?
        /// The pid of the sender; 0 where that was not asked for.
        public let sender: Int32

        public consuming func takeDescriptor() -> OwnedDescriptor? { descriptor }
    }

    /// Two connected ends. The corresponding C function is `socketpair`.
    public struct Pair: ~Copyable {
        public let near: Channel
        public let far: Channel

        public init() throws(Errno) {
            var ends: [CInt] = [-1, -1]
            try checkDone(unsafe clinux_socketpair(&ends))
            near = Channel(OwnedDescriptor(FileDescriptor(rawValue: ends[0])))
            far = Channel(OwnedDescriptor(FileDescriptor(rawValue: ends[1])))
        }

        public consuming func takeNear() -> Channel { near }

        /// Both ends, near and far.
        public consuming func take(_ body: (consuming Channel, consuming Channel) -> Void) {
            body(near, far)
        }
    }

    /// Takes over one end of a pair.
    public init(_ socket: consuming OwnedDescriptor) {
        self.socket = socket
    }

    public var borrowed: FileDescriptor { socket.borrowed }

    /// The corresponding C function is `sendmsg`.
    public func send(_ bytes: [UInt8], passing descriptor: FileDescriptor? = nil) throws(Errno) {
        let sent = try retryOnInterrupt {
            unsafe bytes.withUnsafeBytes {
                unsafe clinux_send(
                    socket.borrowed.rawValue, $0.baseAddress,
                    $0.count, descriptor?.rawValue ?? -1, 1)
            }
        }
        if sent != bytes.count { throw .messageTooLong }
    }

    /// From here on the kernel adds the sender to each message. The corresponding C function is
    /// `setsockopt` with `SO_PASSCRED`.
    public func askForSenders() throws(Errno) {
        try checkDone(clinux_ask_for_senders(socket.borrowed.rawValue))
    }

    /// Waits for a message; nil when the other end is closed.
    ///
    /// The corresponding C function is `recvmsg`.
    public func receive() throws(Errno) -> Message? {
        var passed: CInt = -1
        var sender: Int32 = 0
        var error: CInt = 0
        // Not filled before: what nothing is received into takes no memory.
        let buffer = unsafe [UInt8](unsafeUninitializedCapacity: Channel.capacity) {
            bytes, length in
            repeat {
                length = unsafe clinux_receive(
                    socket.borrowed.rawValue, bytes.baseAddress, bytes.count, &passed, &sender)
                error = length < 0 ? errno : 0
                // The other end was closed with a message that it has not read: the kernel says so
                // once, before what it has sent.
            } while error == EINTR || error == ECONNRESET
            length = max(length, 0)
        }
        if error != 0 { throw Errno(rawValue: error) }
        let descriptor: OwnedDescriptor? =
            passed >= 0 ? OwnedDescriptor(FileDescriptor(rawValue: passed)) : nil
        if buffer.isEmpty { return nil }
        return Message(bytes: buffer, descriptor: descriptor, sender: sender)
    }
}
