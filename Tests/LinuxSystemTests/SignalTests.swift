import Glibc
import LinuxSystem
import TestSupport
import Testing

@Suite struct `Signals as data` {
    @Test func `are read in the order of their numbers, once each`() throws {
        // SIGWINCH and SIGURG are ignored by default: nothing happens if they get through.
        let found = try onThread { () throws -> [CInt?] in
            let queue = try SignalQueue.open([SIGWINCH, SIGURG])
            var found = [try queue.next()]
            pthread_kill(pthread_self(), SIGWINCH)
            pthread_kill(pthread_self(), SIGURG)
            pthread_kill(pthread_self(), SIGURG)
            for _ in 0..<3 { found.append(try queue.next()) }
            return found
        }
        #expect(found == [nil, SIGURG, SIGWINCH, nil])
    }
}

@Suite struct `Times that two processes share` {
    @Test func `are kept, and those never noted are nil`() throws {
        let times = try SharedTimes(capacity: 1000)
        times.record(0, start: 1, end: 2)
        times.record(999, start: .max, end: .max)
        #expect(times.span(0).map { [$0.start, $0.end] } == [1, 2])
        #expect(times.span(999).map { [$0.start, $0.end] } == [.max, .max])
        #expect(times.span(1) == nil)
    }

    @Test func `of no step at all are possible`() throws {
        #expect(throws: Never.self) { try SharedTimes(capacity: 0) }
    }

    @Test func `go forward`() {
        let before = Clock.nanoseconds
        #expect(Clock.nanoseconds >= before)
        #expect(Clock.microseconds >= before / 1000)
    }
}

@Suite(.enabled(if: access("/dev/kmsg", R_OK | W_OK) == 0, "needs the kernel's log"))
struct `The kernel's log` {
    @Test func `is read from the moment it was opened`() throws {
        func write(_ text: String) throws {
            let log = try HostPath.open("/dev/kmsg", .writeOnly)
            try log.borrowed.write(all: Array("<7>\(text)\n".utf8))
        }
        try write("vfs-run-test: before")
        let log = KernelLog()
        try write("vfs-run-test: after")
        try write("another: message")
        #expect(log.messages(prefix: "vfs-run-test: ") == ["after"])
        #expect(log.messages(prefix: "vfs-run-test: ") == [])
    }
}
