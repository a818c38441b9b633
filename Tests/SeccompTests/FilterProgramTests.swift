import LinuxSystem
import Testing

@testable import Seccomp

/// What a filter answers, found out without a kernel: compared with the interpreter of the other
/// tests, number by number.
@Suite struct `A decoded filter` {
    private static let values: [UInt64] = [
        0, 1, 2, 10, 16, 17, 38, 8, 0x20000, 0x1000_0000, 0xffff_ffff, 0x1_0000_0001, .max,
    ]

    /// The last one is what libseccomp has written, unchanged.
    @Test(arguments: [UInt32.max, UInt32.max - 1, 1 << 31, 0xffff_d8e7])
    func `a number that is no call has no name`(_ number: UInt32) {
        #expect(SystemCallNumber(number).name == nil)
        #expect(SystemCallNumber(number, on: AuditArchitecture.i386.rawValue).name == nil)
        #expect(SystemCallNumber(number).words == "call \(number)")
    }

    @Test(arguments: [true, false], [SeccompCompiler.Layout.ranges, .tree, .list])
    func `gives the answers that the filter gives`(
        _ isStrict: Bool, _ layout: SeccompCompiler.Layout
    ) throws {
        let text = isStrict ? try strictProfileText() : try defaultProfileText()
        let profile = try Profile(text, as: layout)
        let stack = try #require(FilterStack([profile.filter]))
        for number in 0..<480 as Range<UInt32> {
            let call = SystemCallNumber(number, on: AuditArchitecture.amd64.rawValue)
            let decision = stack.decide(call)
            for (index, value) in Self.values.enumerated() {
                let arguments = [value, Self.values[index * 5 % 13], Self.values[index * 7 % 13]]
                let verdict = try profile.run(number, arguments + [0, 0, 0]).action
                let known = arguments.map(Optional.some) + [0, 0, 0]
                #expect(stack.decide(call, known).answer?.rawValue == verdict)
                #expect(decision.answers.map(\.rawValue).contains(verdict))
            }
        }
    }

    @Test func `tells the arguments that lead to each answer`() throws {
        let profile = try Profile(try defaultProfileText())
        let stack = try #require(FilterStack([profile.filter]))
        let socket = stack.decide(try #require(SystemCallNumber(named: "socket")))
        let families = Set(socket.conditions(of: .allow, atMost: 64))
        #expect(families == ["arg0 == 1", "arg0 == 2", "arg0 == 10", "arg0 == 16", "arg0 == 17"])
        let clone = stack.decide(try #require(SystemCallNumber(named: "clone")))
        #expect(clone.conditions(of: .allow) == ["arg0 & 0x7e020000 == 0"])
        let mount = stack.decide(try #require(SystemCallNumber(named: "mount")))
        #expect(mount.isRefused && mount.answer?.words == "EPERM")
    }

    /// As bubblewrap, Chromium and systemd write filters: with the register, arithmetic and memory.
    @Test func `may calculate, and return what it has calculated`() throws {
        func step(_ code: UInt16, _ constant: UInt32, _ onTrue: UInt8 = 0, _ onFalse: UInt8 = 0)
            -> Instruction
        {
            Instruction(
                .init(rawValue: code), constant, onTrue: onTrue, onFalse: onFalse)
        }
        // errno = (number & 7) * 2 + 1, by way of the register and memory.
        let calculated = FilterProgram([
            step(0x20, 0), step(0x54, 7), step(0x02, 3), step(0x61, 3), step(0x0c, 0),
            step(0x04, 1), step(0x44, 0x0005_0000), step(0x16, 0),
        ])
        for number in 0..<16 as Range<UInt32> {
            let answer = FilterStack([calculated]).decide(SystemCallNumber(number)).answer
            #expect(answer?.rawValue == 0x0005_0000 | (number & 7) * 2 + 1)
        }
        // An argument that is compared with the register, and a bit of another one.
        let compared = FilterProgram([
            step(0x01, 5), step(0x20, 16), step(0x1d, 0, 0, 3), step(0x20, 24),
            step(0x45, 0x80, 0, 1), step(0x06, 0x7fff_0000), step(0x06, 0x0005_0001),
        ])
        let decision = FilterStack([compared]).decide(SystemCallNumber(1))
        #expect(
            decision.conditions(of: .allow)
                == ["low half of arg0 == 5 and arg1 & 128 == 128"])
    }

    /// Programs of random comparisons, whose ways exclude each other in all manners.
    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func `answers every call as the kernel would, whatever the program`(_ seed: UInt64) throws {
        var state = seed &* 0x9e37_79b9_7f4a_7c15
        func random(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        let constants: [UInt32] = [0, 1, 2, 3, 4, 7, 8, 0xff, 0x8000_0000, .max]
        let codes: [UInt16] = [0x15, 0x25, 0x35, 0x45]
        let answers: [UInt32] = [0x7fff_0000, 0x0005_0001, 0x0005_0026, 0]
        var instructions: [Instruction] = []
        for _ in 0..<12 {
            instructions.append(Instruction(.load, UInt32(16 + 4 * random(3))))
            if random(3) == 0 {
                instructions.append(
                    Instruction(.init(rawValue: 0x54), constants[random(constants.count)]))
            }
            instructions.append(
                Instruction(
                    .init(rawValue: codes[random(4)]), constants[random(constants.count)],
                    onTrue: UInt8(random(2)), onFalse: UInt8(random(2))))
            instructions.append(Instruction(.return, answers[random(4)]))
        }
        instructions += [Instruction(.return, answers[0]), Instruction(.return, answers[1])]
        let filter = SeccompFilter(program: instructions.flatMap(\.bytes), flags: 0)
        let stack = try #require(FilterStack([filter]))
        let program = try BPF(filter)
        let call = SystemCallNumber(5, on: AuditArchitecture.amd64.rawValue)
        let all = stack.decide(call).answers.map(\.rawValue)
        for _ in 0..<60 {
            let arguments = (0..<2).map { _ in
                UInt64(constants[random(constants.count)]) << UInt64(32 * random(2))
                    | UInt64(constants[random(constants.count)])
            }
            let data = SystemCallData(number: 5, architecture: .amd64, arguments: arguments)
            let verdict = try program.run(data).action
            let known = arguments.map(Optional.some) + [0, 0, 0, 0]
            #expect(stack.decide(call, known).answers.map(\.rawValue) == [verdict])
            #expect(all.contains(verdict))
            #expect(stack.decide(call, [arguments[0]]).answers.map(\.rawValue).contains(verdict))
        }
    }

    @Test func `of several the strictest answer counts`() throws {
        let errno = FilterProgram([Instruction(.return, 0x0005_0001)])
        let allow = FilterProgram([Instruction(.return, 0x7fff_0000)])
        let kill = FilterProgram([Instruction(.return, 0x8000_0000)])
        let call = SystemCallNumber(1)
        #expect(FilterStack([allow, errno]).decide(call).answer?.words == "EPERM")
        #expect(FilterStack([errno, allow]).decide(call).answer?.words == "EPERM")
        #expect(FilterStack([errno, kill, allow]).decide(call).answer?.words == "kill process")
    }

    /// A process may install what it likes: 4,096 instructions have more ways than can be walked.
    @Test func `ends whatever its ways are`() throws {
        var instructions: [Instruction] = []
        for index in 0..<2000 as Range<UInt32> {
            instructions.append(Instruction(.load, 16 + 4 * (index % 12)))
            instructions.append(
                Instruction(.jumpIfAnySet, index &* 2_654_435_761, onTrue: 0, onFalse: 0))
        }
        instructions.append(Instruction(.return, 0x7fff_0000))
        let decision = FilterStack([FilterProgram(instructions)]).decide(SystemCallNumber(1))
        #expect(!decision.ways.isEmpty)
        // What was not walked is not called allowed.
        #expect(!decision.isAllowed)
        // A jump behind the end.
        let outside = FilterProgram([Instruction(.jump, 4000)])
        #expect(FilterStack([outside]).decide(SystemCallNumber(1)).isRefused)
        #expect(FilterProgram(SeccompFilter(program: [1, 2, 3], flags: 0)) == nil)
    }
}

@Suite struct `Two profiles compared` {
    private func stack(_ text: String, as layout: SeccompCompiler.Layout = .ranges) throws
        -> FilterStack
    {
        try #require(FilterStack([try Profile(text, as: layout).filter]))
    }

    @Test func `are alike whatever their layout`() throws {
        let text = try defaultProfileText()
        let list = try stack(text, as: .list)
        #expect(try list.differences(from: try stack(text)).map(\.call.words) == [])
    }

    @Test func `differ by what they do, argument by argument`() throws {
        let one = try stack(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["read", "socket"], "action": "SCMP_ACT_ALLOW"}]}
            """)
        let other = try stack(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["socket"], "action": "SCMP_ACT_ALLOW",
                 "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]}
            """)
        let differences = one.differences(from: other)
        #expect(differences.map(\.call.words) == ["socket"])
        #expect(
            Set(differences[0].cases.map(\.condition)) == ["low half of arg0 != 1"]
                || differences[0].cases.allSatisfy { $0.one == .allow && $0.other.words == "EPERM" }
        )
        #expect(other.differences(from: one).first?.cases.first?.other == .allow)
    }

    @Test func `name the rule that decides`() throws {
        let profile = try Profile.read(Array(try defaultProfileText().utf8))
        let allowed = profile.rules(about: "socket", [16])
        #expect(allowed.first?.answer == .allow && allowed.first?.conditions == "arg0 == 16")
        #expect(allowed.first?.isConditional == false)
        #expect(profile.rules(about: "socket", [38]).map(\.answer.words) == ["EAFNOSUPPORT"])
        #expect(profile.rules(about: "mount").isEmpty)
        #expect(profile.defaultAnswer.words == "EPERM")
    }
}
