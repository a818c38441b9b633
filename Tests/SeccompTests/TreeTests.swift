import Testing

@testable import Seccomp

/// The binary tree of libseccomp decides as its list does, in fewer instructions.
@Suite struct `Seccomp filters as a tree` {
    /// Both sides of every comparison of the default profile, each half of 64 bits on its own.
    static let arguments: [UInt64] = [
        0, 1, 2, 3, 8, 9, 10, 11, 15, 16, 17, 18, 40, 0x2_0000, 0x2_0008, 0x2_0009, 0x200_0000,
        0x400_0000, 0x1000_0000, 0x4000_0000, 0x7e02_0000, 0x81fd_ffff, 0xffff_ffff,
        0x1_0000_0000, 0x1_0000_0001, 0x1_0000_0012, .max,
    ]

    /// Numbers that no architecture shares, and the borders of the number itself.
    static let numbers: [UInt32] =
        Array(0...600) + [0x3fff_ffff, 0x4000_0000] + (0...600).map { 0x4000_0000 | $0 }
        + [0x7fff_ffff, 0x8000_0000, .max]

    @Test func `say the same as a list`() throws {
        let text = try defaultProfileText()
        let list = try Profile(text, as: .list)
        let tree = try Profile(text, as: .tree)
        for architecture in AuditArchitecture.allCases {
            for number in Self.numbers {
                for argument in Self.arguments {
                    let arguments = [argument, argument, 0, 0, 0, 0]
                    let one = try list.run(number, arguments, on: architecture).action
                    let other = try tree.run(number, arguments, on: architecture).action
                    if one != other {
                        Issue.record("\(architecture) \(number) \(argument): \(one) \(other)")
                    }
                }
            }
        }
    }

    @Test func `take fewer instructions`() throws {
        let text = try defaultProfileText()
        func mean(_ profile: Profile) throws -> Double {
            let steps = try (0..<460).map { try profile.run(UInt32($0)).steps }
            return Double(steps.reduce(0, +)) / Double(steps.count)
        }
        let list = try mean(Profile(text, as: .list))
        let tree = try mean(Profile(text, as: .tree))
        #expect(tree * 4 < list, "a tree takes \(tree), a list \(list)")
    }

    @Test func `can be loaded by the kernel`() throws {
        // BPF_MAXINSNS.
        #expect(try Profile(try defaultProfileText()).size <= 4096)
    }
}
