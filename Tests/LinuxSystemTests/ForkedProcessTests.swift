import Glibc
import LinuxSystem
import Testing

struct `Work in a copy of this process` {
    private static let second: UInt64 = 1_000_000_000

    @Test func `says what it has found`() throws {
        #expect(
            try ForkedProcess.run(within: 20 * Self.second) { [1, 2, 3] } == .finished([1, 2, 3]))
    }

    @Test func `changes nothing here`() throws {
        let before = umask(0o022)
        umask(before)
        _ = try ForkedProcess.run(within: 20 * Self.second) {
            umask(0o777)
            return [1]
        }
        #expect(umask(before) == before)
    }

    @Test func `is ended when its time is up, whatever it does`() throws {
        let outcome = try ForkedProcess.run(within: Self.second / 10) {
            while true { pause() }
        }
        #expect(outcome == .tooLate)
    }

    @Test func `that dies without a word is told by how`() throws {
        let killed = try ForkedProcess.run(within: 20 * Self.second) {
            kill(getpid(), SIGKILL)
            return []
        }
        #expect(killed == .ended(.signaled(SIGKILL)))
        #expect(try ForkedProcess.run(within: 20 * Self.second) { [] } == .ended(.exited(0)))
    }
}
