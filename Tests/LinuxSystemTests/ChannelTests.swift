import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite struct `A channel` {
    @Test func `keeps messages apart and in order`() throws {
        let pair = try Channel.Pair()
        let messages: [[UInt8]] = [
            [1], [2, 3], [UInt8](repeating: 7, count: Channel.capacity), [0],
        ]
        for message in messages { try pair.near.send(message) }
        for message in messages {
            #expect(try bytes(pair.far) == message)
        }
    }

    @Test func `goes both ways`() throws {
        let pair = try Channel.Pair()
        try pair.near.send([1])
        try pair.far.send([2])
        #expect(try bytes(pair.near) == [2])
        #expect(try bytes(pair.far) == [1])
    }

    @Test func `passes a descriptor`() throws {
        let directory = try TemporaryDirectory()
        let file = try HostPath.open(try directory.file("file", "text"), .readOnly)
        let pair = try Channel.Pair()
        try pair.near.send([9], passing: file.borrowed)
        try pair.near.send([10])
        guard let message = try pair.far.receive(), let passed = message.takeDescriptor() else {
            Issue.record("nothing came")
            return
        }
        #expect(passed.borrowed != file.borrowed)
        #expect(try passed.borrowed.readAll() == Array("text".utf8))
        #expect(fcntl(passed.borrowed.rawValue, F_GETFD) & FD_CLOEXEC != 0)
        guard let plain = try pair.far.receive() else {
            Issue.record("nothing came")
            return
        }
        #expect(plain.bytes == [10])
        if let unasked = plain.takeDescriptor() {
            Issue.record("a descriptor nobody sent: \(unasked.borrowed)")
        }
    }

    @Test func `ends with its other end`() throws {
        let pair = try Channel.Pair()
        let near = pair.takeNear()
        #expect(try bytes(near) == nil)
        #expect(errno { () throws(Errno) in try near.send([1]) } == .brokenPipe)
    }
}

/// The next message, nil when the other end is closed.
private func bytes(_ channel: borrowing Channel) throws -> [UInt8]? {
    guard let message = try channel.receive() else { return nil }
    return message.bytes
}
