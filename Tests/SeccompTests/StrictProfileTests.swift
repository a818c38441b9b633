import Testing

@testable import Seccomp

/// config/seccomp-strict.json, the profile for code that nobody has read.
@Suite struct `The strict seccomp profile` {
    private let profile: Profile
    private let standard: Profile

    init() throws {
        profile = try Profile(try strictProfileText())
        standard = try Profile(try defaultProfileText())
    }

    typealias Row = (call: String, arguments: [UInt64], verdict: Verdict)

    static let verdicts: [Row] = [
        ("read", [], .allow), ("execve", [], .allow), ("openat", [], .allow),
        ("futex", [], .allow), ("fork", [], .allow), ("clone", [0x11], .allow),
        ("clone", [0x003d_0f00], .allow), ("memfd_create", [], .allow),
        ("epoll_create1", [], .allow), ("landlock_restrict_self", [], .allow),
        ("seccomp", [], .allow), ("pidfd_open", [], .allow), ("prctl", [], .allow),
        // User namespaces and others.
        ("clone", [0x1000_0000], .errno(1)), ("clone", [0x0002_0000], .errno(1)),
        ("clone3", [], .errno(38)), ("unshare", [0x1000_0000], .errno(1)),
        ("setns", [], .errno(1)),
        // Parts of the kernel with many defects.
        ("io_uring_setup", [], .errno(38)), ("io_uring_enter", [], .errno(38)),
        ("io_uring_register", [], .errno(38)), ("bpf", [], .errno(1)),
        ("perf_event_open", [], .errno(1)), ("userfaultfd", [], .errno(1)),
        ("keyctl", [], .errno(1)), ("add_key", [], .errno(1)), ("request_key", [], .errno(1)),
        ("modify_ldt", [], .errno(1)), ("open_by_handle_at", [], .errno(1)),
        // Other processes.
        ("ptrace", [0], .allow), ("ptrace", [7], .allow), ("ptrace", [24], .allow),
        ("ptrace", [0x4200], .allow), ("ptrace", [16], .errno(1)),
        ("ptrace", [0x4206], .errno(1)), ("ptrace", [0x420c], .errno(1)),
        ("ptrace", [0x1_0000_0000], .errno(1)), ("process_vm_readv", [], .errno(1)),
        ("process_vm_writev", [], .errno(1)), ("pidfd_getfd", [], .errno(1)),
        ("kcmp", [], .errno(1)),
        // Sockets: UNIX; TCP, UDP and ICMP echo; NETLINK_ROUTE.
        ("socket", [1, 1, 0], .allow), ("socket", [1, 2, 0], .allow),
        ("socket", [2, 1, 0], .allow), ("socket", [2, 0x80801, 6], .allow),
        ("socket", [2, 2, 17], .allow), ("socket", [2, 2, 1], .allow),
        ("socket", [10, 2, 58], .allow), ("socket", [10, 1, 6], .allow),
        ("socket", [2, 3, 1], .errno(1)), ("socket", [2, 10, 3], .errno(1)),
        ("socket", [2, 1, 132], .errno(1)), ("socket", [2, 2, 136], .errno(1)),
        ("socket", [2, 5, 0], .errno(1)), ("socket", [16, 3, 0], .allow),
        ("socket", [16, 3, 9], .errno(93)), ("socket", [16, 2, 15], .errno(93)),
        ("socket", [16, 3, 16], .errno(93)), ("socket", [17, 3, 0], .errno(97)),
        ("socket", [38, 5, 0], .errno(97)), ("socket", [40, 1, 0], .errno(97)),
        ("socket", [4, 1, 0], .errno(1)), ("socket", [0x1_0000_0028, 1, 0], .errno(97)),
        ("socketpair", [1], .allow), ("socketpair", [2], .errno(1)),
        ("adjtimex", [], .errno(1)),
    ]

    @Test(arguments: verdicts)
    func `refuses what leads out, and allows what programs need`(_ row: Row) throws {
        let number = try #require(systemCall(row.call, on: .amd64), "\(row.call)")
        #expect(try Verdict(profile.run(number, row.arguments).action) == row.verdict)
    }

    @Test func `allows nothing that the default profile refuses`() throws {
        for number in 0..<600 as Range<UInt32> {
            for first: UInt64 in [0, 1, 2, 10, 16, 17, 38, 40, 0x11, 0x4200, 0x1000_0000] {
                for second: UInt64 in [0, 1, 2, 3, 10] {
                    for third: UInt64 in [0, 1, 6, 17, 58] {
                        let arguments = [first, second, third]
                        guard try Verdict(profile.run(number, arguments).action) == .allow else {
                            continue
                        }
                        #expect(
                            try Verdict(standard.run(number, arguments).action) == .allow,
                            "\(number) \(arguments)")
                    }
                }
            }
        }
    }

    @Test func `kills calls of 32-bit programs, of x32 and of other architectures`() throws {
        for number: UInt32 in [0, 1, 59, 165, 435, 512] {
            #expect(try Verdict(profile.run(0x4000_0000 | number).action) == .killThread)
            #expect(try Verdict(profile.run(number, on: .i386).action) == .killThread)
            #expect(try Verdict(profile.run(number, on: .aarch64).action) == .killThread)
        }
    }

    @Test func `knows nothing of a call that no kernel has yet`() throws {
        #expect(try Verdict(profile.run(1000).action) == .errno(38))
    }
}
