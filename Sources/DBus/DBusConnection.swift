internal import LinuxSystem
internal import SystemPackage

/// A connection to a bus, or straight to a service. One question at a time; whatever else arrives
/// meanwhile is kept.
public struct DBusConnection: ~Copyable {
    private let socket: OwnedDescriptor
    private let deadline: UInt64
    private var received: [UInt8] = []
    private var signals: [DBusMessage] = []
    private var lastSerial: UInt32 = 0

    private init(_ socket: consuming OwnedDescriptor, until deadline: UInt64) {
        self.socket = socket
        self.deadline = deadline
    }

    /// Connects, and has the other side let this user in.
    ///
    /// - Parameters:
    ///   - isBus: Others listen there too, so it wants to be greeted.
    ///   - deadline: On `Clock`: when the whole conversation has to be over.
    public static func open(
        _ address: DBusAddress, isBus: Bool, until deadline: UInt64
    ) throws(DBusError) -> DBusConnection {
        var connection = DBusConnection(try connect(address), until: deadline)
        try connection.authenticate()
        if isBus {
            _ = try connection.call(
                "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")
        }
        return connection
    }

    private static func connect(_ address: DBusAddress) throws(DBusError) -> OwnedDescriptor {
        do throws(Errno) {
            switch address {
            case .path(let path): return try HostPath.connect(path)
            case .abstract(let name): return try HostPath.connectAbstract(name, .stream)
            }
        } catch {
            throw .call(Failure("connect", address.words, error))
        }
    }

    /// The server takes the uid from the socket: no name is sent, and so none can be wrong
    /// in a user namespace.
    private mutating func authenticate() throws(DBusError) {
        try send(Array("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n".utf8))
        var line = try readLine()
        // It asks for the name, and gets an empty one.
        if line == "DATA" { line = try readLine() }
        guard line == "OK" || line.hasPrefix("OK ") else { throw .refused(line) }
    }

    private mutating func readLine() throws(DBusError) -> String {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = received[..<end]
                received.removeFirst(end + 1)
                return String(
                    decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line,
                    as: UTF8.self)
            }
            if received.count > 4096 { throw .malformed("a line does not end") }
            try receive()
        }
    }

    // MARK: Questions

    /// Calls a method.
    ///
    /// - Returns: What it answers.
    /// - Throws: `DBusError.remote` when that is an error.
    public mutating func call(
        _ destination: String, _ path: String, _ interface: String, _ member: String,
        _ body: [DBusValue] = []
    ) throws(DBusError) -> [DBusValue] {
        lastSerial += 1
        var question = DBusMessage(.call, serial: lastSerial, body: body)
        question.destination = destination
        question.path = path
        question.interface = interface
        question.member = member
        try send(question.encoded)
        while true {
            let message = try nextMessage()
            if message.kind == .signal { signals.append(message) }
            if message.answeredSerial != lastSerial { continue }
            switch message.kind {
            case .answer: return message.body
            case .error:
                throw .remote(
                    name: message.errorName ?? "", message: message.body.first?.text ?? "")
            default: continue
            }
        }
    }

    /// The first signal that `matches`, of those that have come and those that will.
    public mutating func signal(
        where matches: (DBusMessage) -> Bool
    ) throws(DBusError) -> DBusMessage {
        if let index = signals.firstIndex(where: matches) { return signals.remove(at: index) }
        while true {
            let message = try nextMessage()
            if message.kind == .signal && matches(message) { return message }
        }
    }

    // MARK: Bytes

    private func send(_ bytes: [UInt8]) throws(DBusError) {
        do throws(Errno) {
            try socket.borrowed.send(bytes)
        } catch .brokenPipe {
            throw .closed
        } catch {
            throw .call(Failure("sendmsg", "", error))
        }
    }

    private mutating func nextMessage() throws(DBusError) -> DBusMessage {
        while true {
            if let size = try DBusMessage.size(received[...]), received.count >= size {
                let message = try DBusMessage(received[..<size])
                received.removeFirst(size)
                return message
            }
            try receive()
        }
    }

    private mutating func receive() throws(DBusError) {
        do throws(Errno) {
            let events = try Poll.wait([(socket.borrowed, .readable)], until: deadline)
            if events[0].isEmpty { throw Errno.timedOut }
            guard let bytes = try socket.borrowed.readSome(65536) else { return }
            if bytes.isEmpty { throw Errno.connectionReset }
            received += bytes
        } catch .timedOut {
            throw .timedOut
        } catch .connectionReset {
            throw .closed
        } catch {
            throw .call(Failure("read", "", error))
        }
    }
}
