import Testing

@testable import Seccomp

/// config/seccomp.json, the profile that is part of the program.
@Suite struct `The default seccomp profile` {
    private let profile: Profile

    init() throws {
        profile = try Profile(try defaultProfileText())
    }

    static let verdicts: [(call: String, argument: UInt64, verdict: Verdict)] = [
        ("read", 0, .allow), ("write", 0, .allow), ("openat", 0, .allow), ("execve", 0, .allow),
        ("futex", 0, .allow), ("exit_group", 0, .allow), ("fork", 0, .allow),
        ("mount", 0, .errno(1)), ("umount2", 0, .errno(1)), ("pivot_root", 0, .errno(1)),
        ("fsopen", 0, .errno(1)), ("move_mount", 0, .errno(1)), ("open_tree", 0, .errno(1)),
        ("mount_setattr", 0, .errno(1)), ("unshare", 0, .errno(1)), ("setns", 0, .errno(1)),
        ("bpf", 0, .errno(1)), ("keyctl", 0, .errno(1)), ("add_key", 0, .errno(1)),
        ("request_key", 0, .errno(1)), ("kexec_load", 0, .errno(1)),
        ("init_module", 0, .errno(1)), ("finit_module", 0, .errno(1)), ("reboot", 0, .errno(1)),
        ("perf_event_open", 0, .errno(1)), ("userfaultfd", 0, .errno(1)),
        ("open_by_handle_at", 0, .errno(1)), ("io_uring_setup", 0, .errno(1)),
        ("io_uring_enter", 0, .errno(1)), ("quotactl", 0, .errno(1)), ("swapon", 0, .errno(1)),
        ("clone3", 0, .errno(38)),
        // Threads and processes, with the exit signal in the low byte; no namespace.
        ("clone", 0x11, .allow), ("clone", 0x003d_0f00, .allow),
        ("clone", 0x1000_0000, .errno(1)), ("clone", 0x0002_0000, .errno(1)),
        ("clone", 0x0200_0000, .errno(1)), ("clone", 0x0400_0000, .errno(1)),
        ("clone", 0x0800_0000, .errno(1)), ("clone", 0x2000_0000, .errno(1)),
        ("clone", 0x4000_0000, .errno(1)), ("clone", 0x7e02_0011, .errno(1)),
        ("socket", 1, .allow), ("socket", 2, .allow), ("socket", 10, .allow),
        ("socket", 16, .allow), ("socket", 17, .allow), ("socket", 38, .errno(97)),
        ("socket", 40, .errno(97)), ("socket", 18, .errno(97)), ("socket", 3, .errno(1)),
        ("socket", 15, .errno(1)), ("socketpair", 1, .allow), ("socketpair", 2, .errno(1)),
        ("personality", 0, .allow), ("personality", 8, .allow),
        ("personality", 0xffff_ffff, .allow), ("personality", 0x0004_0000, .errno(1)),
    ]

    @Test(arguments: verdicts)
    func `allows what programs need and nothing that leads out`(
        _ row: (call: String, argument: UInt64, verdict: Verdict)
    ) throws {
        #expect(try profile.verdict(row.call, row.argument) == row.verdict)
    }

    @Test func `applies to 32-bit programs, too`() throws {
        #expect(try profile.verdict("read", on: .i386) == .allow)
        #expect(try profile.verdict("mount", on: .i386) == .errno(1))
        #expect(try profile.verdict("socketcall", 1, on: .i386) == .errno(38))
        #expect(try profile.verdict("clone", 0x1000_0000, on: .i386) == .errno(1))
        // socketcall's call is in memory, out of a filter's sight; socket has had its own number
        // since Linux 4.3.
        #expect(try Verdict(profile.run(359, [1], on: .i386).action) == .allow)
        #expect(try Verdict(profile.run(359, [40], on: .i386).action) == .errno(97))
    }

    @Test func `kills calls of x32 and of other architectures`() throws {
        for number: UInt32 in [0, 1, 59, 165, 435, 512] {
            #expect(try Verdict(profile.run(0x4000_0000 | number).action) == .killThread)
            #expect(try Verdict(profile.run(number, on: .aarch64).action) == .killThread)
        }
    }

    @Test func `knows nothing of a call that no kernel has yet`() throws {
        for number: UInt32 in [1000, 0x3fff_ffff] {
            #expect(try Verdict(profile.run(number).action) == .errno(38))
        }
    }
}
