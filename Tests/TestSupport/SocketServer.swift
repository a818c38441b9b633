import Glibc
import LinuxSystem
import SystemPackage

/// Listens at a socket; each connection is served on a thread of its own.
public final class SocketServer: @unchecked Sendable {
    public let path: String
    private let listener: CInt
    private let serve: @Sendable (FileDescriptor) -> Void
    private var thread = pthread_t()

    /// - Parameter serve: Talks to whoever has connected; the connection is closed after it.
    public init(
        _ path: String, serve: @escaping @Sendable (FileDescriptor) -> Void
    ) throws {
        self.path = path
        self.serve = serve
        listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if bound != 0 || listen(listener, 128) != 0 { throw Errno(rawValue: errno) }
        let work = Connections { [listener] in
            while true {
                let connection = acceptClosingOnExec(listener)
                if connection < 0 { return }
                Connections {
                    serve(FileDescriptor(rawValue: connection))
                    close(connection)
                }.start()
            }
        }
        thread = work.start(detached: false)
    }

    public func stop() {
        shutdown(listener, CInt(SHUT_RDWR))
        pthread_join(thread, nil)
        close(listener)
        unlink(path)
    }
}

/// Swift imports no `accept4`.
private func acceptClosingOnExec(_ listener: CInt) -> CInt {
    typealias Accept =
        @convention(c) (CInt, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, CInt)
        -> CInt
    let function = unsafeBitCast(dlsym(nil, "accept4"), to: Accept.self)
    return function(listener, nil, nil, CInt(SOCK_CLOEXEC.rawValue))
}

private final class Connections: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }

    @discardableResult
    func start(detached: Bool = true) -> pthread_t {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { context in
                if let context {
                    Unmanaged<Connections>.fromOpaque(context).takeRetainedValue().run()
                }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        if detached { pthread_detach(thread) }
        return thread
    }
}

extension FileDescriptor {
    /// All of it, as a peer would send it; whether it could be sent.
    @discardableResult
    public func put(_ bytes: [UInt8]) -> Bool { (try? send(bytes)) != nil }

    /// What has come, nil at the end.
    public func take() -> [UInt8]? { (try? receiveBytes(65536)) ?? nil }
}
