import Testing

@testable import Seccomp

/// Calls that a profile could not know.
@Suite struct NewerCallTests {
    private static let newest: UInt32 = 439  // faccessat2

    private func profile(
        _ action: String, architectures: String = "\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\""
    ) throws -> Profile {
        try Profile(
            """
            {"defaultAction": "\(action)", "architectures": [\(architectures)],
             "syscalls": [{"names": ["read", "faccessat2"], "action": "SCMP_ACT_ALLOW"}]}
            """)
    }

    @Test(arguments: [AuditArchitecture.amd64, .i386])
    func `a number above every one that is named answers ENOSYS`(
        _ architecture: AuditArchitecture
    ) throws {
        let profile = try profile("SCMP_ACT_ERRNO")
        for (number, expected) in [
            (Self.newest, Verdict.allow), (Self.newest - 1, .errno(1)),
            (Self.newest + 1, .errno(38)),
            (600, .errno(38)), (0x3fff_ffff, .errno(38)),
        ] {
            let verdict = Verdict(try profile.run(number, on: architecture).action)
            #expect(verdict == expected, "\(number)")
        }
    }

    @Test func `the numbers of x32 are no newer calls`() throws {
        let profile = try profile("SCMP_ACT_ERRNO")
        for number in [0x4000_0000, 0x4000_0000 + Self.newest + 1, .max] {
            #expect(Verdict(try profile.run(number).action) != .errno(38), "\(number)")
        }
    }

    @Test func `another architecture is what the filter makes of it`() throws {
        let profile = try profile("SCMP_ACT_ERRNO", architectures: "")
        #expect(Verdict(try profile.run(600, on: .i386).action) != .errno(38))
        #expect(Verdict(try profile.run(600, on: .amd64).action) == .errno(38))
    }

    @Test(arguments: [
        ("SCMP_ACT_ALLOW", Verdict.allow), ("SCMP_ACT_KILL_PROCESS", .killProcess),
        ("SCMP_ACT_LOG", .log), ("SCMP_ACT_TRAP", .trap),
    ])
    func `only an error becomes another error`(_ action: String, _ expected: Verdict) throws {
        #expect(Verdict(try profile(action).run(600).action) == expected)
    }

    @Test func `a profile that names nothing is left as it is`() throws {
        let profile = try Profile(
            #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": []}"#)
        #expect(Verdict(try profile.run(600).action) == .errno(1))
    }
}
