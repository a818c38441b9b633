/// One instruction of classic BPF, `struct sock_filter` (linux/filter.h).
struct Instruction: Hashable {
    /// The operation; only those that decide by a call's number and architecture have names here.
    struct Operation: RawRepresentable, Hashable {
        var rawValue: UInt16

        /// `BPF_LD | BPF_W | BPF_ABS`: the word of `struct seccomp_data` at the constant's offset.
        static let load = Operation(rawValue: 0x20)
        /// `BPF_JMP | BPF_JA`
        static let jump = Operation(rawValue: 0x05)
        /// `BPF_JMP | BPF_JEQ | BPF_K`
        static let jumpIfEqual = Operation(rawValue: 0x15)
        /// `BPF_JMP | BPF_JGT | BPF_K`
        static let jumpIfGreater = Operation(rawValue: 0x25)
        /// `BPF_JMP | BPF_JGE | BPF_K`
        static let jumpIfGreaterOrEqual = Operation(rawValue: 0x35)
        /// `BPF_JMP | BPF_JSET | BPF_K`
        static let jumpIfAnySet = Operation(rawValue: 0x45)
        /// `BPF_RET | BPF_K`
        static let `return` = Operation(rawValue: 0x06)

        /// Whether it goes on at one of two places.
        var isCondition: Bool { rawValue & 0x07 == 0x05 && self != .jump }
    }

    /// Offsets in `struct seccomp_data`.
    static let number: UInt32 = 0
    static let architecture: UInt32 = 4

    var operation: Operation
    var constant: UInt32
    /// How many instructions are skipped.
    var onTrue: UInt8
    var onFalse: UInt8

    init(_ operation: Operation, _ constant: UInt32, onTrue: UInt8 = 0, onFalse: UInt8 = 0) {
        self.operation = operation
        self.constant = constant
        self.onTrue = onTrue
        self.onFalse = onFalse
    }

    /// - Parameter bytes: Eight of them, in the machine's byte order.
    init(_ bytes: ArraySlice<UInt8>) {
        (operation, onTrue, onFalse, constant) = unsafe bytes.withUnsafeBytes {
            unsafe (
                Operation(rawValue: $0.loadUnaligned(as: UInt16.self)), $0[2], $0[3],
                $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
            )
        }
    }

    /// As the kernel reads it, in the machine's byte order.
    var bytes: [UInt8] {
        let code = unsafe withUnsafeBytes(of: operation.rawValue) { unsafe Array($0) }
        let operand = unsafe withUnsafeBytes(of: constant) { unsafe Array($0) }
        return code + [onTrue, onFalse] + operand
    }

    /// The instructions that the bytes of a program are; nil unless they are whole ones.
    static func program(_ bytes: [UInt8]) -> [Instruction]? {
        guard bytes.count % 8 == 0 else { return nil }
        return stride(from: 0, to: bytes.count, by: 8).map { Instruction(bytes[$0..<$0 + 8]) }
    }
}
