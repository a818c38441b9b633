internal import LinuxSystem
internal import SystemPackage

/// Passes on that the container's program is ready (sd_notify(3)): from a socket in the container
/// to whoever waits outside.
///
/// Of all that the program sends only the line `READY=` goes through, and with it the pid as it is
/// outside: the program could otherwise name any process of the host as the main one.
final class ReadinessProxy {
    /// Where the socket is: in the container's state, mounted at `destination`.
    static let directory = "notify"
    static let name = "notify.sock"
    static let destination = "/run/notify"

    /// Nil once the program is ready: what it says from then on is refused, not left waiting.
    private var socket: HeldDescriptor?
    private let host: String
    /// Closed by the far end when it has read everything.
    private var barrier: Pipe?
    private(set) var deadline: UInt64?
    /// Why the far end could not be told.
    private(set) var problem: String?

    /// - Parameters:
    ///   - folder: The directory that the container sees.
    ///   - host: The caller's `NOTIFY_SOCKET`.
    init(in folder: FileDescriptor, host: String) throws(Errno) {
        // Whoever runs in the container may send.
        Credentials.setFileModeMask(0)
        do throws(Errno) {
            try folder.remove(ReadinessProxy.name)
        } catch .noSuchFileOrDirectory {
            // The first one.
        }
        socket = HeldDescriptor(try folder.bindDatagramSocket(ReadinessProxy.name))
        self.host = host
    }

    var isDone: Bool { socket == nil && barrier == nil }

    /// What to wait for.
    var watched: FileDescriptor? { socket?.borrowed ?? barrier?.reader }

    /// - Parameters:
    ///   - mainPID: The process that stands for the container outside.
    ///   - waits: Whether the far end has to have read everything before this is done.
    func handle(_ events: Poll.Events, mainPID: Int32, waits: Bool) {
        if let deadline, Clock.nanoseconds >= deadline { finish() }
        if events.isEmpty { return }
        if barrier != nil { return finish() }
        guard let line = readyLine() else { return }
        socket = nil
        do throws(SystemCallError) {
            try tell(line, mainPID: mainPID, waits: waits)
        } catch {
            problem = "the program is ready, but NOTIFY_SOCKET was not told so: \(error)"
            finish()
        }
    }

    /// Until the far end knows, or the process behind `pidfd` has ended.
    func follow(_ pidfd: FileDescriptor, mainPID: Int32) {
        while !isDone {
            guard
                let events = try? Poll.wait(
                    [(watched, .readable), (pidfd, .readable)], until: deadline)
            else { return }
            handle(events[0], mainPID: mainPID, waits: true)
            if !events[1].isEmpty { return }
        }
    }

    private func finish() {
        socket = nil
        barrier = nil
        deadline = nil
    }

    /// A datagram is a few lines; nil when none that has come says `READY=`.
    private func readyLine() -> [UInt8]? {
        // Whoever sends faster than this is read has to wait for the next turn.
        for _ in 0..<64 {
            guard let datagram = try? socket?.borrowed.readSome(4096) else { return nil }
            let lines = datagram.split(separator: 0x0a)
            if let ready = lines.first(where: { $0.starts(with: Array("READY=".utf8)) }) {
                return Array(ready)
            }
        }
        return nil
    }

    private func tell(_ line: [UInt8], mainPID: Int32, waits: Bool) throws(SystemCallError) {
        let far = try attempt("connect", host.inQuotes) { () throws(Errno) in
            host.hasPrefix("@")
                ? try HostPath.connectAbstract(String(host.dropFirst()), .datagram)
                : try HostPath.connect(host, .datagram)
        }
        try attempt("sendmsg", host.inQuotes) { () throws(Errno) in
            try far.borrowed.send(line + [0x0a])
            try far.borrowed.send(Array("MAINPID=\(mainPID)\n".utf8))
            let pipe = try Pipe()
            guard let writer = pipe.writer else { return }
            try far.borrowed.send(Array("BARRIER=1".utf8), passing: writer)
            pipe.closeWriter()
            if !waits { return }
            barrier = pipe
            deadline = Clock.nanoseconds + 30_000_000_000
        }
    }
}

extension StoredContainer {
    /// Listens for a container that was created to be listened to; nil for another one.
    func listenForReadiness(_ host: String?) throws(RuntimeError) -> ReadinessProxy? {
        guard let host else { return nil }
        do throws(Errno) {
            let folder = try directory.borrowed.open(
                ReadinessProxy.directory, [.readOnly, .directory])
            return try ReadinessProxy(in: folder.borrowed, host: host)
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw RuntimeError(
                "the socket for NOTIFY_SOCKET cannot be made in \(store.directory(id)):"
                    + " \(error.words)", exitCode: 1)
        }
    }
}
