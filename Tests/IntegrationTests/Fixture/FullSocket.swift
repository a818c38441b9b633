import CLinux
import Glibc

/// A unix socket that takes nothing any more: its backlog, or its queue of datagrams, is full.
final class FullSocket {
    let path: String
    private var descriptors: [CInt] = []

    enum Kind { case stream, datagram }

    init(_ path: String, _ kind: Kind) throws {
        self.path = path
        let type = kind == .stream ? CInt(SOCK_STREAM.rawValue) : CInt(SOCK_DGRAM.rawValue)
        let listener = try make(type)
        guard try withAddress({ bind(listener, $0, $1) }) == 0,
            kind == .datagram || listen(listener, 0) == 0
        else { throw Failure("\(path): no socket") }
        chmod(path, 0o777)
        for _ in 0..<4096 {
            let sender =
                kind == .datagram && descriptors.count > 1 ? descriptors[1] : try make(type)
            let isConnected = try withAddress { connect(sender, $0, $1) } == 0
            if !isConnected && errno == EAGAIN { return }
            if kind == .datagram && send(sender, "x", 1, CInt(MSG_DONTWAIT)) < 0 {
                return
            }
        }
        throw Failure("\(path) is never full")
    }

    private func make(_ type: CInt) throws -> CInt {
        let made = socket(
            AF_UNIX, type | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
        if made < 0 { throw Failure("no socket") }
        descriptors.append(made)
        return made
    }

    private func withAddress(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) throws -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Failure("\(path) is too long for a socket")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) }
        }
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}

/// A pipe whose reader does not read, full.
final class FullPipe {
    private var ends: [CInt] = [-1, -1]

    init() throws {
        guard clinux_pipe_cloexec(&ends) == 0 else { throw Failure("pipe2 failed") }
        FullPipe.fill(ends[1])
    }

    /// For whoever opens it anew.
    var path: String { "/proc/\(getpid())/fd/\(ends[1])" }

    static func fill(_ writer: CInt) {
        _ = fcntl(writer, F_SETFL, O_NONBLOCK)
        let bytes = [UInt8](repeating: 0x2e, count: 4096)
        while write(writer, bytes, bytes.count) > 0 {}
        while write(writer, bytes, 1) > 0 {}
        _ = fcntl(writer, F_SETFL, 0)
    }

    deinit { for end in ends { close(end) } }
}
