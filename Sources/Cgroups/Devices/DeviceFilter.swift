/// The policy as a program of the kernel's: version 2 has no files for devices, but asks a program
/// of type `BPF_PROG_TYPE_CGROUP_DEVICE`.
struct DeviceFilter: Sendable, Hashable {
    /// One instruction (`struct bpf_insn`).
    struct Instruction: Sendable, Hashable {
        var code: UInt8
        var destination: UInt8
        var source: UInt8 = 0
        var offset: Int16 = 0
        var value: UInt32 = 0

        /// As it lies in memory, in the host's byte order (little-endian on both architectures).
        var encoded: UInt64 {
            UInt64(code) | UInt64(destination | source << 4) << 8
                | UInt64(UInt16(bitPattern: offset)) << 16 | UInt64(value) << 32
        }
    }

    private(set) var instructions: [Instruction] = []

    // Registers. The context is in 1, the answer goes to 0.
    private static let type: UInt8 = 2
    private static let access: UInt8 = 3
    private static let major: UInt8 = 4
    private static let minor: UInt8 = 5
    private static let scratch: UInt8 = 6

    init(_ policy: DevicePolicy) {
        // struct bpf_cgroup_dev_ctx { u32 access_type, major, minor; }: the access in the upper
        // half of the first, the type in the lower.
        load(Self.type, 0)
        emit(0xbc, Self.access, source: Self.type)  // mov32
        emit(0x54, Self.type, value: 0xffff)  // and32
        emit(0x74, Self.access, value: 16)  // rsh32
        load(Self.major, 4)
        load(Self.minor, 8)
        for (device, access) in policy.exceptions {
            append(device, access, allows: !policy.allowsByDefault)
        }
        answer(policy.allowsByDefault)
    }

    /// An exception: jumps over its own end when it does not hold.
    private mutating func append(
        _ device: DevicePolicy.Device, _ access: DeviceRule.Access, allows: Bool
    ) {
        var tests: [Instruction] = [
            jumpUnless(Self.type, is: device.kind == .block ? 1 : 2)
        ]
        // Allowed is what asks for nothing beyond the exception, denied what asks for any of it.
        if allows, access != .all {
            let beyond = DeviceRule.Access.all.subtracting(access)
            tests += masked(beyond) + [jumpUnless(Self.scratch, is: 0)]
        } else if !allows {
            tests += masked(access)
            tests.append(Instruction(code: 0x16, destination: Self.scratch))  // jeq32 0
        }
        if let major = device.major { tests.append(jumpUnless(Self.major, is: major)) }
        if let minor = device.minor { tests.append(jumpUnless(Self.minor, is: minor)) }
        for (index, var test) in tests.enumerated() {
            // The answer behind them is two instructions long.
            if test.code & 0x07 == 0x06 { test.offset = Int16(tests.count - index - 1 + 2) }
            instructions.append(test)
        }
        answer(allows)
    }

    private func masked(_ access: DeviceRule.Access) -> [Instruction] {
        [
            Instruction(code: 0xbc, destination: Self.scratch, source: Self.access),
            Instruction(code: 0x54, destination: Self.scratch, value: access.rawValue),
        ]
    }

    private func jumpUnless(_ register: UInt8, is value: UInt32) -> Instruction {
        Instruction(code: 0x56, destination: register, value: value)  // jne32
    }

    private mutating func answer(_ allows: Bool) {
        emit(0xb4, 0, value: allows ? 1 : 0)  // mov32
        emit(0x95, 0)  // exit
    }

    private mutating func load(_ register: UInt8, _ offset: Int16) {
        instructions.append(
            Instruction(code: 0x61, destination: register, source: 1, offset: offset))  // ldxw
    }

    private mutating func emit(
        _ code: UInt8, _ destination: UInt8, source: UInt8 = 0, value: UInt32 = 0
    ) {
        instructions.append(
            Instruction(code: code, destination: destination, source: source, value: value))
    }
}
