import Testing

@testable import Seccomp

@Suite struct `Seccomp conditions` {
    /// A profile that allows `ioctl` when all `conditions` hold.
    private func profile(_ conditions: String) throws -> Profile {
        try Profile(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["ioctl"], "action": "SCMP_ACT_ALLOW", "args": [\(conditions)]}]}
            """)
    }

    static let boundaries: [UInt64] = [
        0, 1, 4, 5, 6, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0004, 0x1_0000_0005, 0x1_0000_0006,
        0x2_0000_0005, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, .max,
    ]

    struct Operator: Sendable {
        var name: String
        var holds: @Sendable (UInt64, UInt64) -> Bool

        init(_ name: String, _ holds: @escaping @Sendable (UInt64, UInt64) -> Bool) {
            self.name = name
            self.holds = holds
        }
    }

    static let operators = [
        Operator("SCMP_CMP_NE") { $0 != $1 }, Operator("SCMP_CMP_LT") { $0 < $1 },
        Operator("SCMP_CMP_LE") { $0 <= $1 }, Operator("SCMP_CMP_EQ") { $0 == $1 },
        Operator("SCMP_CMP_GE") { $0 >= $1 }, Operator("SCMP_CMP_GT") { $0 > $1 },
    ]

    @Test(arguments: operators, [5, 0, 0xffff_ffff, 0x1_0000_0005, UInt64.max])
    func `compare whole 64-bit arguments without a sign`(
        _ comparison: Operator, _ value: UInt64
    ) throws {
        // What holds for every argument, or for none, is no condition.
        let always = Self.boundaries.allSatisfy { comparison.holds($0, value) }
        for index in 0..<6 where !always {
            let profile = try profile(
                #"{"index": \#(index), "value": \#(value), "op": "\#(comparison.name)"}"#)
            let number = try #require(systemCall("ioctl", on: .amd64))
            for boundary in Self.boundaries {
                var arguments = [UInt64](repeating: 77, count: 6)
                arguments[index] = boundary
                #expect(
                    try Verdict(profile.run(number, arguments).action)
                        == (comparison.holds(boundary, value) ? .allow : .errno(1)),
                    "argument \(index): \(boundary) \(comparison.name) \(value)")
            }
        }
    }

    @Test(
        arguments: [
            (0xff, 0x12), (0x7e02_0000, 0), (0xffff_ffff_0000_0000, 0x1_0000_0000), (0, 0),
            (UInt64.max, UInt64.max),
        ] as [(UInt64, UInt64)])
    func `with a mask look at the masked bits`(_ mask: UInt64, _ value: UInt64) throws {
        let profile = try profile(
            """
            {"index": 1, "value": \(mask), "valueTwo": \(value), "op": "SCMP_CMP_MASKED_EQ"}
            """)
        for argument in Self.boundaries + [0x12, 0x112, 0x1000_0000, 0x2_0000, value, ~mask] {
            #expect(
                try profile.verdict("ioctl", 0, argument)
                    == (argument & mask == value ? .allow : .errno(1)))
        }
    }

    @Test func `on different arguments must all hold`() throws {
        let profile = try profile(
            """
            {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
            {"index": 2, "value": 3, "op": "SCMP_CMP_GT"}
            """)
        #expect(try profile.verdict("ioctl", 1, 0, 4) == .allow)
        #expect(try profile.verdict("ioctl", 1, 0, 3) == .errno(1))
        #expect(try profile.verdict("ioctl", 2, 0, 4) == .errno(1))
    }

    @Test func `on one argument are alternatives, as runc has it`() throws {
        let profile = try profile(
            """
            {"index": 1, "value": 21505, "op": "SCMP_CMP_EQ"},
            {"index": 1, "value": 21523, "op": "SCMP_CMP_EQ"}
            """)
        #expect(try profile.verdict("ioctl", 0, 21505) == .allow)
        #expect(try profile.verdict("ioctl", 0, 21523) == .allow)
        #expect(try profile.verdict("ioctl", 0, 21506) == .errno(1))
    }

    @Test func `of several rules for one call are alternatives`() throws {
        let profile = try Profile(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["socket"], "action": "SCMP_ACT_ALLOW",
                 "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
                {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97,
                 "args": [{"index": 0, "value": 17, "op": "SCMP_CMP_GT"}]}]}
            """)
        #expect(try profile.verdict("socket", 1) == .allow)
        #expect(try profile.verdict("socket", 2) == .errno(1))
        #expect(try profile.verdict("socket", 18) == .errno(97))
    }
}
