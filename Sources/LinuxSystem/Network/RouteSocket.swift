internal import Glibc
public import SystemPackage

/// The kernel's network configuration (rtnetlink(7)), as it is in the network namespace that this
/// process was in when the socket was made.
public struct RouteSocket: ~Copyable {
    private let socket: OwnedDescriptor

    /// The corresponding C function is `socket` with `NETLINK_ROUTE`.
    public init() throws(Errno) {
        socket = try OwnedDescriptor.adopt(
            Glibc.socket(AF_NETLINK, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0))
    }

    /// One in another network namespace. This process goes there and comes back.
    ///
    /// - Throws: What failed; when this process could not come back, all that can be done is to
    ///   end it.
    public init(in namespace: FileDescriptor) throws(Errno) {
        let own = try HostPath.open("/proc/self/ns/net", .readOnly)
        try namespace.joinNamespace(.network)
        let made: RouteSocket
        do throws(Errno) {
            made = try RouteSocket()
        } catch {
            try own.borrowed.joinNamespace(.network)
            throw error
        }
        try own.borrowed.joinNamespace(.network)
        self = made
    }

    /// An address of a device, as the kernel describes it.
    public struct Address: Sendable, Hashable {
        /// `AF_INET` or `AF_INET6`.
        var family: UInt8
        var prefixLength: UInt8
        /// `IFA_ADDRESS`, `IFA_LOCAL` and `IFA_BROADCAST`, as far as it has them.
        var attributes: [Attribute]
    }

    struct Attribute: Sendable, Hashable {
        var type: UInt16
        var value: [UInt8]
    }

    // MARK: Devices

    /// The device of this name.
    ///
    /// - Throws: `Errno.operationNotSupportedByDevice` (ENODEV) when there is none.
    public func index(of name: String) throws(Errno) -> Int32 {
        let body = RouteSocket.link(0) + Attribute(type: 3, value: RouteSocket.text(name)).encoded
        let answers = try exchange(18, 0, body)  // RTM_GETLINK
        guard let found = answers.first, found.count >= 8 else {
            throw .operationNotSupportedByDevice
        }
        return Int32(bitPattern: RouteSocket.word(found, 4))
    }

    /// Puts it into another network namespace, under another name, in one go. It is down then.
    public func move(
        _ index: Int32, to namespace: FileDescriptor, as name: String
    ) throws(Errno) {
        let body =
            RouteSocket.link(index)
            + Attribute(type: 28, value: RouteSocket.bytes(UInt32(namespace.rawValue))).encoded
            + Attribute(type: 3, value: RouteSocket.text(name)).encoded
        _ = try exchange(16, RouteSocket.acknowledge, body)  // RTM_NEWLINK
    }

    public func bringUp(_ index: Int32) throws(Errno) {
        // RTM_NEWLINK, IFF_UP
        _ = try exchange(
            16, RouteSocket.acknowledge, RouteSocket.link(index, flags: 1, change: 1))
    }

    /// The addresses of a device that mean the same everywhere and stay until they are removed
    /// away: not link-local, not leased.
    public func addresses(of index: Int32) throws(Errno) -> [Address] {
        let all = try exchange(22, 0x300, [UInt8](repeating: 0, count: 8))  // RTM_GETADDR, a dump
        return all.compactMap { answer in
            guard answer.count >= 8, Int32(bitPattern: RouteSocket.word(answer, 4)) == index,
                answer[3] == 0  // RT_SCOPE_UNIVERSE
            else { return nil }
            let attributes = Attribute.parse(answer[8...])
            var flags = UInt32(answer[2])
            if let wide = attributes.first(where: { $0.type == 8 }), wide.value.count == 4 {
                flags = RouteSocket.word(wide.value, 0)
            }
            // IFA_F_PERMANENT
            if flags & 0x80 == 0 { return nil }
            return Address(
                family: answer[0], prefixLength: answer[1],
                attributes: attributes.filter { [1, 2, 4].contains($0.type) })
        }
    }

    public func add(_ address: Address, to index: Int32) throws(Errno) {
        let body =
            [address.family, address.prefixLength, 0, 0]
            + RouteSocket.bytes(UInt32(bitPattern: index))
            + address.attributes.flatMap(\.encoded)
        // RTM_NEWADDR; to be made, and not there yet.
        _ = try exchange(20, RouteSocket.acknowledge | 0x600, body)
    }

    // MARK: Messages

    /// `NLM_F_ACK`
    private static let acknowledge: UInt16 = 4

    /// A `struct ifinfomsg`.
    private static func link(_ index: Int32, flags: UInt32 = 0, change: UInt32 = 0) -> [UInt8] {
        [0, 0, 0, 0] + bytes(UInt32(bitPattern: index)) + bytes(flags) + bytes(change)
    }

    private static func text(_ name: String) -> [UInt8] { Array(name.utf8) + [0] }

    fileprivate static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        unsafe withUnsafeBytes(of: number) { unsafe Array($0) }
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        unsafe bytes.withUnsafeBytes {
            unsafe $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        }
    }

    /// Sends a request and reads the answers up to the last one: what stands behind the header of
    /// each.
    private func exchange(
        _ type: UInt16, _ flags: UInt16, _ body: [UInt8]
    ) throws(Errno) -> [[UInt8]] {
        let isDump = flags & 0x300 == 0x300
        // NLM_F_REQUEST; sequence and port are of no use to one request at a time.
        let header =
            RouteSocket.bytes(UInt32(16 + body.count)) + RouteSocket.bytes(type)
            + RouteSocket.bytes(flags | 1) + [UInt8](repeating: 0, count: 8)
        try socket.borrowed.send(header + body)
        var answers: [[UInt8]] = []
        while true {
            guard let part = try socket.borrowed.receiveBytes(65536) else { throw .ioError }
            var rest = part[...]
            while rest.count >= 16 {
                let message = Array(rest)
                let length = Int(RouteSocket.word(message, 0))
                guard length >= 16, length <= message.count else { throw .ioError }
                let content = Array(message[16..<length])
                switch UInt16(message[4]) | UInt16(message[5]) << 8 {
                case 2:  // NLMSG_ERROR, also that there was none
                    guard content.count >= 4 else { throw .ioError }
                    let error = Int32(bitPattern: RouteSocket.word(content, 0))
                    if error != 0 { throw Errno(rawValue: -error) }
                    return answers
                case 3: return answers  // NLMSG_DONE
                default:
                    answers.append(content)
                    if !isDump { return answers }
                }
                rest = rest.dropFirst((length + 3) & ~3)
            }
        }
    }
}

extension RouteSocket.Attribute {
    /// With what fills it up to four bytes.
    fileprivate var encoded: [UInt8] {
        let length = 4 + value.count
        return RouteSocket.bytes(UInt16(length)) + RouteSocket.bytes(type) + value
            + [UInt8](repeating: 0, count: -length & 3)
    }

    fileprivate static func parse(_ bytes: ArraySlice<UInt8>) -> [Self] {
        var found: [Self] = []
        var rest = bytes
        while rest.count >= 4 {
            let start = rest.startIndex
            let length = Int(rest[start]) | Int(rest[start + 1]) << 8
            let type = UInt16(rest[start + 2]) | UInt16(rest[start + 3]) << 8
            guard length >= 4, length <= rest.count else { break }
            found.append(Self(type: type, value: Array(rest[(start + 4)..<(start + length)])))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return found
    }
}
