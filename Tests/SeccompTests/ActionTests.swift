import Testing

@testable import Seccomp

@Suite struct `Seccomp actions` {
    static let table: [(action: String, extra: String, verdict: Verdict)] = [
        ("SCMP_ACT_KILL", "", .killThread), ("SCMP_ACT_KILL_THREAD", "", .killThread),
        ("SCMP_ACT_KILL_PROCESS", "", .killProcess), ("SCMP_ACT_TRAP", "", .trap),
        ("SCMP_ACT_LOG", "", .log), ("SCMP_ACT_ALLOW", "", .allow),
        ("SCMP_ACT_ERRNO", "", .errno(1)),
        ("SCMP_ACT_ERRNO", #", "errnoRet": 0"#, .errno(0)),
        ("SCMP_ACT_ERRNO", #", "errnoRet": 38"#, .errno(38)),
        ("SCMP_ACT_ERRNO", #", "errnoRet": 4094"#, .errno(4094)),
        ("SCMP_ACT_TRACE", "", .trace(1)),
        ("SCMP_ACT_TRACE", #", "errnoRet": 7"#, .trace(7)),
        // The value means nothing to the other actions.
        ("SCMP_ACT_ALLOW", #", "errnoRet": 38"#, .allow),
    ]

    @Test(arguments: table)
    func `of a rule decide its calls and no others`(
        _ row: (action: String, extra: String, verdict: Verdict)
    ) throws {
        let other = row.verdict == .killProcess ? "SCMP_ACT_ALLOW" : "SCMP_ACT_KILL_PROCESS"
        let profile = try Profile(
            """
            {"defaultAction": "\(other)", "syscalls": [
                {"names": ["read", "getpid"], "action": "\(row.action)"\(row.extra)}]}
            """)
        #expect(try profile.verdict("read") == row.verdict)
        #expect(try profile.verdict("getpid", 1, 2, 3) == row.verdict)
        #expect(
            try profile.verdict("write") == (other == "SCMP_ACT_ALLOW" ? .allow : .killProcess))
    }

    @Test(arguments: table)
    func `by default decide every call that no rule names`(
        _ row: (action: String, extra: String, verdict: Verdict)
    ) throws {
        let extra = row.extra.replacing("errnoRet", with: "defaultErrnoRet")
        let other = row.verdict == .trap ? "SCMP_ACT_ALLOW" : "SCMP_ACT_TRAP"
        let profile = try Profile(
            """
            {"defaultAction": "\(row.action)"\(extra), "syscalls": [
                {"names": ["read", "statx"], "action": "\(other)"}]}
            """)
        #expect(try profile.verdict("write") == row.verdict)
        #expect(try profile.verdict("read") == (other == "SCMP_ACT_ALLOW" ? .allow : .trap))
        // Newer than the profile: an error says that there is no such call.
        let newer = if case .errno = row.verdict { Verdict.errno(38) } else { row.verdict }
        #expect(try Verdict(profile.run(100_000).action) == newer)
    }

    @Test func `that say what happens anyway are left out`() throws {
        let profile = try Profile(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "syscalls": [
                {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
                {"names": ["write"], "action": "SCMP_ACT_ERRNO"}]}
            """)
        #expect(try profile.verdict("read") == .errno(38))
        #expect(try profile.verdict("write") == .errno(1))
    }

    @Test func `without a rule are the default alone`() throws {
        let profile = try Profile(#"{"defaultAction": "SCMP_ACT_ALLOW"}"#)
        #expect(try profile.verdict("reboot") == .allow)
    }

    static let flags: [(names: String, bits: UInt32)] = [
        ("[]", 0), (#"["SECCOMP_FILTER_FLAG_TSYNC"]"#, 1), (#"["SECCOMP_FILTER_FLAG_LOG"]"#, 2),
        (#"["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]"#, 4),
        // Of use to a listener alone.
        (#"["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]"#, 0),
        (#"["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]"#, 6),
    ]

    @Test(arguments: flags)
    func `are installed with the profile's flags`(_ row: (names: String, bits: UInt32)) throws {
        let profile = try Profile(
            #"{"defaultAction": "SCMP_ACT_ALLOW", "flags": \#(row.names)}"#)
        #expect(profile.filter.flags == row.bits)
    }

    @Test(arguments: [
        ("[]", 8), (#"["SECCOMP_FILTER_FLAG_TSYNC"]"#, 8 | 1 | 16),
        (#"["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]"#, 8 | 32),
    ])
    func `that notify ask for a listener`(_ names: String, _ bits: UInt32) throws {
        let profile = try Profile(
            """
            {"defaultAction": "SCMP_ACT_ALLOW", "flags": \(names), "listenerPath": "/x",
             "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}
            """)
        #expect(profile.filter.flags == bits)
        #expect(profile.filter.notifies)
    }
}
