import Glibc
import LinuxSystem
import SystemPackage
import Testing

struct `A process beside this one` {
    @Test func `has memory of its own, and says what it has found`() throws {
        nonisolated(unsafe) var changed = false
        let answers = try ChildProcess.runAside([]) { channel in
            unsafe changed = true
            try? channel.send([unsafe changed ? 1 : 0])
            try? channel.send([2], passing: FileDescriptor(rawValue: 1))
        }
        #expect(try answers.receive()?.bytes == [1])
        guard let second = try answers.receive() else {
            Issue.record("there is no second message")
            return
        }
        #expect(second.bytes == [2])
        let hasDescriptor = second.takeDescriptor() != nil
        #expect(hasDescriptor)
        #expect(try answers.receive()?.bytes == nil)
        #expect(unsafe !changed)
    }

    @Test func `that dies has said nothing`() throws {
        let answers = try ChildProcess.runAside([]) { _ in CurrentProcess.killSelf() }
        #expect(try answers.receive()?.bytes == nil)
    }

    @Test(.enabled(if: geteuid() == 0, "makes a user namespace"))
    func `tells the mappings of another user namespace, long ones too`() throws {
        // Nearly the page of text that the kernel takes.
        let ranges = (0..<280).map { (index: UInt32) in
            IDRange(inside: 10 + index * 2, outside: 200_000 + index * 2, count: 1)
        }
        let mappings = IDMappings(users: IDMap(ranges), groups: IDMap(ranges))
        let namespace = try mappings.makeNamespace()
        #expect(try IDMappings.of(namespace.borrowed) == mappings)
        // A temporary would be closed before the call.
        let other = try HostPath.open("/proc/self/ns/uts", .readOnly)
        let descriptor = other.borrowed
        #expect(throws: Failure("setns", "to the user namespace", .invalidArgument)) {
            try IDMappings.of(descriptor)
        }
        _ = consume other
    }
}
