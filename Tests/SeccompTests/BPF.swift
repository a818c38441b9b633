import LinuxSystem

/// A classic BPF program, run as the kernel runs a seccomp filter: the data is a `struct
/// seccomp_data`, and every load is a word of it.
struct BPF {
    /// An instruction of `struct sock_filter`.
    private struct Instruction {
        var code: UInt16
        var jumpTrue: UInt8
        var jumpFalse: UInt8
        var constant: UInt32

        /// - Parameter bytes: Eight of them.
        init(_ bytes: ArraySlice<UInt8>) {
            let start = bytes.startIndex
            code = UInt16(bytes[start]) + UInt16(bytes[start + 1]) * 256
            jumpTrue = bytes[start + 2]
            jumpFalse = bytes[start + 3]
            constant = 0
            for byte in bytes[(start + 4)...].reversed() {
                constant = constant << 8 | UInt32(byte)
            }
        }
    }

    /// What a filter said, and how many instructions that took.
    struct Verdict: Hashable {
        var action: UInt32
        var steps: Int
    }

    enum Fault: Error, Hashable {
        case badLength
        case badInstruction(UInt16)
        case outside
    }

    private let instructions: [Instruction]

    init(_ filter: SeccompFilter) throws {
        let bytes = filter.program
        if bytes.isEmpty || bytes.count % 8 != 0 || bytes.count / 8 > 4096 { throw Fault.badLength }
        instructions = stride(from: 0, to: bytes.count, by: 8).map {
            Instruction(bytes[$0..<$0 + 8])
        }
    }

    var count: Int { instructions.count }

    func run(_ call: SystemCallData) throws -> Verdict {
        let words = call.words
        var accumulator: UInt32 = 0
        var index = 0
        for steps in 1...instructions.count {
            guard index < instructions.count else { throw Fault.outside }
            let instruction = instructions[index]
            let constant = instruction.constant
            index += 1
            func jump(_ condition: Bool) {
                index += Int(condition ? instruction.jumpTrue : instruction.jumpFalse)
            }
            switch instruction.code {
            case 0x20:  // BPF_LD | BPF_W | BPF_ABS
                guard constant % 4 == 0, constant < 64 else { throw Fault.outside }
                accumulator = words[Int(constant / 4)]
            case 0x05: index += Int(constant)  // BPF_JMP | BPF_JA
            case 0x15: jump(accumulator == constant)  // BPF_JEQ
            case 0x25: jump(accumulator > constant)  // BPF_JGT
            case 0x35: jump(accumulator >= constant)  // BPF_JGE
            case 0x45: jump(accumulator & constant != 0)  // BPF_JSET
            case 0x54: accumulator &= constant  // BPF_ALU | BPF_AND
            case 0x06: return Verdict(action: constant, steps: steps)  // BPF_RET | BPF_K
            default: throw Fault.badInstruction(instruction.code)
            }
        }
        throw Fault.outside
    }
}

/// What a filter sees of a system call: `struct seccomp_data`.
struct SystemCallData {
    var number: UInt32
    var architecture: AuditArchitecture
    var arguments: [UInt64]

    /// As words of four bytes, little-endian.
    var words: [UInt32] {
        var words = [number, architecture.rawValue, 0, 0]
        for index in 0..<6 {
            let argument = index < arguments.count ? arguments[index] : 0
            words += [UInt32(truncatingIfNeeded: argument), UInt32(argument >> 32)]
        }
        return words
    }
}

/// `AUDIT_ARCH_*`.
enum AuditArchitecture: UInt32, CaseIterable {
    case amd64 = 0xc000_003e
    case i386 = 0x4000_0003
    case aarch64 = 0xc000_00b7
}
