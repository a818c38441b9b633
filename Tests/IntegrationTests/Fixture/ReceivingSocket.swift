import CLinux
import Glibc

/// Whoever sits behind `--console-socket` and `--pidfd-socket`: takes one message with a descriptor.
final class ReceivingSocket {
    let path: String
    private let listener: CInt

    init(_ path: String) throws {
        self.path = path
        listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Failure("\(path) is too long for a socket")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) }
        }
        guard result == 0, listen(listener, 1) == 0 else { throw Failure("\(path): no socket") }
    }

    deinit { close(listener) }

    /// The words, and the descriptor that came with them.
    func receive(seconds: Double = 10) throws -> (words: String, descriptor: CInt) {
        var polled = pollfd(fd: listener, events: CShort(POLLIN), revents: 0)
        guard poll(&polled, 1, Deadline(seconds).milliseconds) == 1 else {
            throw Failure("nobody connects to \(path)")
        }
        let connection = accept(listener, nil, nil)
        defer { close(connection) }
        polled.fd = connection
        guard poll(&polled, 1, Deadline(seconds).milliseconds) == 1 else {
            throw Failure("nothing is sent to \(path)")
        }
        var buffer = [UInt8](repeating: 0, count: 4096)
        var passed: CInt = -1
        var sender: pid_t = 0
        let count = clinux_receive(connection, &buffer, buffer.count, &passed, &sender)
        guard count > 0, passed >= 0 else {
            throw Failure("\(path) got \(count) and no descriptor")
        }
        return (String(decoding: buffer[..<count], as: UTF8.self), passed)
    }
}
