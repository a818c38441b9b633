import Testing

@testable import Seccomp

/// The binary tree of libseccomp, and ours over ranges, decide as its list does, in fewer
/// instructions.
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

    @Test(arguments: [SeccompCompiler.Layout.tree, .ranges])
    func `say the same as a list`(_ layout: SeccompCompiler.Layout) throws {
        let text = try defaultProfileText()
        let list = try Profile(text, as: .list)
        let tree = try Profile(text, as: layout)
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
        let ranges = try mean(Profile(text, as: .ranges))
        #expect(ranges < tree, "ranges take \(ranges), a tree \(tree)")
    }

    @Test func `have few instructions over ranges`() throws {
        let text = try defaultProfileText()
        let tree = try Profile(text, as: .tree).size
        let ranges = try Profile(text, as: .ranges).size
        #expect(ranges * 2 < tree, "\(ranges) over ranges, \(tree) in a tree")
    }

    /// Profiles whose numbers, answers, arguments and architectures are drawn.
    @Test(arguments: 1...60) func `say the same over ranges for any profile`(_ seed: Int) throws {
        var random = Random(seed)
        let text = random.profile()
        let tree = try Profile(text, as: .tree)
        let ranges = try Profile(text, as: .ranges)
        #expect(ranges.size <= tree.size)
        for architecture in AuditArchitecture.allCases {
            for number in Self.numbers {
                for argument in [0, 1, 2, 3, 7, 8, 0x1_0000_0001, UInt64.max] {
                    let arguments = [argument, argument ^ 1, 0, 0, 0, 0]
                    let one = try tree.run(number, arguments, on: architecture).action
                    let other = try ranges.run(number, arguments, on: architecture).action
                    if one != other {
                        Issue.record("\(text): \(architecture) \(number) \(argument)")
                        return
                    }
                }
            }
        }
    }

    @Test func `can be loaded by the kernel`() throws {
        // BPF_MAXINSNS.
        #expect(try Profile(try defaultProfileText()).size <= 4096)
    }
}

/// Draws profiles, the same ones for the same seed.
private struct Random {
    private var state: UInt64

    init(_ seed: Int) { state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 }

    private mutating func below(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % limit
    }

    private static let names = [
        "read", "write", "open", "close", "stat", "fstat", "lstat", "poll", "lseek", "mmap",
        "mprotect", "munmap", "brk", "ioctl", "access", "pipe", "select", "clone", "fork",
        "execve", "kill", "uname", "personality", "ptrace", "socket", "unshare", "openat2",
        "setns", "bpf", "keyctl", "statx", "futex", "mount", "umount2", "reboot",
    ]
    private static let actions = ["ALLOW", "ERRNO", "KILL_PROCESS", "LOG", "TRAP"]
    private static let operators = ["EQ", "NE", "LT", "LE", "GE", "GT", "MASKED_EQ"]

    mutating func profile() -> String {
        let action = Self.actions[below(3)]
        let architectures = [
            "", #""SCMP_ARCH_X86""#, #""SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32""#,
        ]
        var free = Self.names
        let rules = (0..<below(8)).map { _ in rule(of: &free) }
        return """
            {"defaultAction": "SCMP_ACT_\(action)", "architectures": [\(architectures[below(3)])],
             "syscalls": [\(rules.joined(separator: ", "))]}
            """
    }

    private mutating func rule(of free: inout [String]) -> String {
        let names = (0..<min(below(6) + 1, free.count)).map { _ in
            "\"\(free.remove(at: below(free.count)))\""
        }
        let conditions = (0..<below(3)).map { index in
            """
            {"index": \(index), "value": \(below(9)), "valueTwo": \(below(9)),
             "op": "SCMP_CMP_\(Self.operators[below(Self.operators.count)])"}
            """
        }
        return """
            {"names": [\(names.joined(separator: ", "))],
             "action": "SCMP_ACT_\(Self.actions[below(Self.actions.count)])",
             "args": [\(conditions.joined(separator: ", "))]}
            """
    }
}
