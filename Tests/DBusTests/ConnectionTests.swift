import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import DBus

/// Both sides on a real socket, where the other one does what a test wants.
@Suite struct `A connection to a bus` {
    private static let welcome = Array("DATA\r\nOK 0011\r\n".utf8)

    /// - Parameter patience: In milliseconds.
    private func use<Value>(
        patience: UInt64 = 10_000, isBus: Bool = false,
        serving serve: @escaping @Sendable (FileDescriptor) -> Void,
        _ body: (inout DBusConnection) throws -> Value
    ) throws -> Value {
        let directory = try TemporaryDirectory()
        let server = try SocketServer(directory["bus"], serve: serve)
        defer { server.stop() }
        var connection = try DBusConnection.open(
            .path(server.path), isBus: isBus, until: Clock.nanoseconds + patience * 1_000_000)
        return try body(&connection)
    }

    private func call(_ connection: inout DBusConnection) throws -> [DBusValue] {
        try connection.call("d.e", "/o", "a.b", "M")
    }

    private static func answer(_ serial: UInt32, _ text: String) -> [UInt8] {
        var message = DBusMessage(.answer, serial: 1, body: [.string(text)])
        message.answeredSerial = serial
        return message.encoded
    }

    private static func signal(_ member: String) -> [UInt8] {
        var message = DBusMessage(.signal, serial: 2)
        message.member = member
        return message.encoded
    }

    /// The words of the error that it ends with.
    private func failure(
        patience: UInt64 = 10_000, serving serve: @escaping @Sendable (FileDescriptor) -> Void
    ) -> String? {
        do {
            _ = try use(patience: patience, serving: serve) { try call(&$0) }
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `is let in without a name, and greets`() throws {
        let answer = try use(isBus: true) { peer in
            let words = peer.take() ?? []
            if words != Array("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n".utf8) { return }
            peer.put(Self.welcome)
            guard let hello = peer.take(), let message = try? DBusMessage(hello[...]),
                message.member == "Hello"
            else { return }
            peer.put(Self.answer(1, ":1.1"))
            _ = peer.take()
            // In pieces, and behind what is for somebody else.
            let bytes = Self.signal("A") + Self.answer(77, "no") + Self.answer(2, "yes")
            for byte in bytes { peer.put([byte]) }
            peer.put(Self.signal("B"))
            _ = peer.take()
        } _: {
            let answer = try call(&$0)
            #expect(try $0.signal { $0.member == "B" }.member == "B")
            #expect(try $0.signal { $0.member == "A" }.member == "A")
            return answer
        }
        #expect(answer == [.string("yes")])
    }

    @Test func `tells the error that it gets for an answer`() throws {
        let words = failure { peer in
            _ = peer.take()
            peer.put(Self.welcome)
            _ = peer.take()
            var message = DBusMessage(.error, serial: 1, body: [.string("not today")])
            message.answeredSerial = 1
            message.errorName = "a.b.No"
            peer.put(message.encoded)
            _ = peer.take()
        }
        #expect(words == "not today (a.b.No)")
    }

    @Test func `that is not let in says what it was told`() {
        let words = failure { peer in
            _ = peer.take()
            peer.put(Array("REJECTED EXTERNAL\r\n".utf8))
        }
        #expect(words == "the server refused this user: REJECTED EXTERNAL")
    }

    @Test func `that is closed is an error`() {
        #expect(failure { _ in } == "the connection was closed")
        let later = failure { peer in
            _ = peer.take()
            peer.put(Self.welcome)
            _ = peer.take()
            peer.put(Array(Self.answer(1, "x").dropLast()))
        }
        #expect(later == "the connection was closed")
    }

    @Test func `that answers nothing ends in time`() {
        let words = failure(patience: 50) { peer in while peer.take() != nil {} }
        #expect(words == "no answer in time")
    }

    @Test func `that brings something else is an error`() {
        let endless = failure { peer in
            _ = peer.take()
            peer.put([UInt8](repeating: UInt8(ascii: "x"), count: 10_000))
            _ = peer.take()
        }
        #expect(endless?.contains("a line does not end") == true)
        let garbage = failure { peer in
            _ = peer.take()
            peer.put(Self.welcome)
            _ = peer.take()
            peer.put([UInt8](repeating: 0xff, count: 100))
            _ = peer.take()
        }
        #expect(garbage?.contains("not a D-Bus message") == true)
    }

    @Test func `to a socket that is not there names it`() {
        #expect {
            _ = try DBusConnection.open(.path("/nowhere/bus"), isBus: true, until: .max)
        } throws: { "\($0)" == "connect \"/nowhere/bus\": no such file or directory" }
    }
}
