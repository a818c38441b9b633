import Testing

@testable import Seccomp

@Suite struct `Seccomp names and architectures` {
    @Test func `a call that libseccomp does not know is left out`() throws {
        let profile = try Profile(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["no_such_call", "read", "statx", ""], "action": "SCMP_ACT_ALLOW"},
                {"names": ["another_one"], "action": "SCMP_ACT_KILL"}]}
            """)
        #expect(try profile.verdict("read") == .allow)
        #expect(try profile.verdict("write") == .errno(1))
    }

    @Test func `the first of two rules for a call counts`() throws {
        let profile = try Profile(
            """
            {"defaultAction": "SCMP_ACT_KILL_PROCESS", "syscalls": [
                {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
                {"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}
            """)
        #expect(try profile.verdict("read") == .errno(38))
    }

    @Test func `a call of another architecture is killed unless it is listed`() throws {
        let profile = try Profile(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
             "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}
            """)
        #expect(try profile.verdict("read") == .allow)
        #expect(try profile.verdict("read", on: .i386) == .killThread)
        #expect(try profile.verdict("read", on: .aarch64) == .killThread)
    }

    @Test func `each listed architecture has its own numbers`() throws {
        let profile = try Profile(
            """
            {"defaultAction": "SCMP_ACT_ERRNO",
             "architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
             "syscalls": [
                {"names": ["read", "waitpid", "statx"], "action": "SCMP_ACT_ALLOW"}]}
            """)
        for architecture in AuditArchitecture.allCases {
            #expect(try profile.verdict("read", on: architecture) == .allow)
            #expect(try profile.verdict("write", on: architecture) == .errno(1))
        }
        #expect(try profile.verdict("waitpid", on: .i386) == .allow)
        // waitpid's number is another call on x86-64.
        let number = try #require(systemCall("waitpid", on: .i386))
        #expect(try Verdict(profile.run(number).action) == .errno(1))
    }

    @Test func `x32 calls are no calls of x86-64`() throws {
        let x32: UInt32 = 0x4000_0000
        for layout in [SeccompCompiler.Layout.list, .tree] {
            let profile = try Profile(
                """
                {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                 "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO"}]}
                """, as: layout)
            #expect(try Verdict(profile.run(x32 | 0).action) == .killThread)
            #expect(try Verdict(profile.run(x32 | 100).action) == .killThread)
        }
    }

    @Test func `architectures of the other byte order are passed over`() throws {
        let profile = try Profile(
            """
            {"defaultAction": "SCMP_ACT_ERRNO",
             "architectures": ["SCMP_ARCH_S390X", "SCMP_ARCH_X86_64", "SCMP_ARCH_M68K",
                "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_PPC"],
             "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}
            """)
        #expect(try profile.verdict("read") == .allow)
    }
}
