import Glibc
import LinuxSystem
import Testing

@Suite struct `Resource limits` {
    static let numbers: [(name: String, number: CInt)] = [
        ("RLIMIT_CPU", CInt(RLIMIT_CPU.rawValue)), ("RLIMIT_FSIZE", CInt(RLIMIT_FSIZE.rawValue)),
        ("RLIMIT_DATA", CInt(RLIMIT_DATA.rawValue)),
        ("RLIMIT_STACK", CInt(RLIMIT_STACK.rawValue)),
        ("RLIMIT_CORE", CInt(RLIMIT_CORE.rawValue)),
        ("RLIMIT_RSS", CInt(__RLIMIT_RSS.rawValue)),
        ("RLIMIT_NPROC", CInt(__RLIMIT_NPROC.rawValue)),
        ("RLIMIT_NOFILE", CInt(RLIMIT_NOFILE.rawValue)),
        ("RLIMIT_MEMLOCK", CInt(__RLIMIT_MEMLOCK.rawValue)),
        ("RLIMIT_AS", CInt(RLIMIT_AS.rawValue)),
        ("RLIMIT_LOCKS", CInt(__RLIMIT_LOCKS.rawValue)),
        ("RLIMIT_SIGPENDING", CInt(__RLIMIT_SIGPENDING.rawValue)),
        ("RLIMIT_MSGQUEUE", CInt(__RLIMIT_MSGQUEUE.rawValue)),
        ("RLIMIT_NICE", CInt(__RLIMIT_NICE.rawValue)),
        ("RLIMIT_RTPRIO", CInt(__RLIMIT_RTPRIO.rawValue)),
        ("RLIMIT_RTTIME", CInt(__RLIMIT_RTTIME.rawValue)),
    ]

    @Test(arguments: numbers)
    func `have the numbers of the C library`(_ row: (name: String, number: CInt)) {
        #expect(ResourceLimit.allCases.first { $0.name == row.name }?.rawValue == row.number)
    }

    @Test func `are all known`() {
        #expect(ResourceLimit.allCases.map(\.name) == Self.numbers.map(\.name))
    }
}
