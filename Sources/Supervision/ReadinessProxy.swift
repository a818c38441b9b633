internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

/// Passes on what the container's program says of itself (sd_notify(3)): from a socket in the
/// container to the service manager outside.
///
/// Of all that the program sends only known assignments go through, and with `READY=` the pid as it
/// is outside: the program could otherwise name any process of the host as the main one, or leave
/// descriptors with the manager.
final class ReadinessProxy {
    /// Nil once nobody passes anything on any more: what the program says from then on is refused,
    /// not left waiting.
    private var socket: ReadinessSocket?
    private var isReady = false
    private let host: String
    /// Closed by the far end when it has read everything.
    private var barrier: Pipe?
    private(set) var deadline: UInt64?
    /// The runtime process is to end: a far end that does not take a message at once gets none.
    var isHurried = false
    /// Why the far end could not be told.
    private(set) var problem: String?

    init(_ socket: ReadinessSocket) {
        self.socket = socket
        host = socket.host
    }

    var isDone: Bool { socket == nil && barrier == nil }

    /// What to wait for.
    var watched: FileDescriptor? { socket?.borrowed ?? barrier?.reader }

    /// - Parameters:
    ///   - mainPID: The process that stands for the container outside.
    ///   - waits: Whether the far end has to have read everything before this is done; otherwise it
    ///     goes on as long as the container runs.
    func handle(_ events: Poll.Events, mainPID: Int32, waits: Bool) {
        if let deadline, Clock.nanoseconds >= deadline { finish() }
        if events.isEmpty { return }
        if barrier != nil { return finish() }
        // A program that sends faster than this is read waits for the next turn.
        for _ in 0..<64 {
            guard let datagram = try? socket?.borrowed.readSome(4096) else { return }
            let lines = datagram.split(separator: 0x0a).filter(ReadinessProxy.isPassedOn)
            let ready = isReady ? nil : lines.first { $0.starts(with: ReadinessProxy.ready) }
            do throws(Failure) {
                let others = ready == nil ? lines : lines.filter { $0 != ready }
                if !others.isEmpty { try send(Array(others.joined(separator: [0x0a])) + [0x0a]) }
                guard let ready else { continue }
                isReady = true
                try tell(Array(ready), mainPID: mainPID, waits: waits)
            } catch {
                let what =
                    ready == nil ? "the program has something to say" : "the program is ready"
                problem = "\(what), but NOTIFY_SOCKET was not told so: \(error)"
                return finish()
            }
            if waits { return socket = nil }
        }
    }

    private static let ready = Array("READY=".utf8)

    private static func isPassedOn(_ line: ArraySlice<UInt8>) -> Bool {
        let names = [
            "READY", "RELOADING", "STOPPING", "STATUS", "ERRNO", "EXIT_STATUS", "MONOTONIC_USEC",
            "EXTEND_TIMEOUT_USEC", "WATCHDOG", "WATCHDOG_USEC",
        ]
        let name = line.prefix { $0 != UInt8(ascii: "=") }
        return name.count < line.count && names.contains { name.elementsEqual($0.utf8) }
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

    private var patience: UInt64 { isHurried ? 0 : SocketKind.deadline }

    private func connect() throws(Failure) -> OwnedDescriptor {
        try attempt("connect", host.inQuotes) { () throws(Errno) in
            host.hasPrefix("@")
                ? try HostPath.connectAbstract(String(host.dropFirst()), .datagram)
                : try HostPath.connect(host, .datagram)
        }
    }

    private func send(_ lines: [UInt8]) throws(Failure) {
        let far = try connect()
        try attempt("sendmsg", host.inQuotes, try far.borrowed.send(lines, until: patience))
    }

    private func tell(_ line: [UInt8], mainPID: Int32, waits: Bool) throws(Failure) {
        let far = try connect()
        try attempt("sendmsg", host.inQuotes) { () throws(Errno) in
            try far.borrowed.send(line + [0x0a], until: patience)
            try far.borrowed.send(Array("MAINPID=\(mainPID)\n".utf8), until: patience)
            let pipe = try Pipe()
            guard let writer = pipe.writer else { return }
            try far.borrowed.send(
                Array("BARRIER=1".utf8), passing: writer, until: patience)
            pipe.closeWriter()
            if !waits { return }
            barrier = pipe
            deadline = Clock.nanoseconds + 30_000_000_000
        }
    }
}
