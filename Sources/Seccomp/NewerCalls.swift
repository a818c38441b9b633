internal import CSeccomp
internal import OCISpec

/// System calls that are newer than a profile answer ENOSYS, as if the kernel did not have them.
///
/// The author of the profile could not know them, and programs fall back to an older call on
/// ENOSYS only; on the profile's EPERM they fail. Newer than a profile is what has a higher number
/// than every call it names, in the same architecture, as runc has it. Nothing is allowed by this.
struct NewerCalls {
    /// An architecture and the highest number that the profile names in it.
    private struct Bound {
        /// `AUDIT_ARCH_*`.
        var architecture: UInt32
        var highest: UInt32
    }

    private let bounds: [Bound]

    /// - Parameter profile: Its default action must be an error for there to be anything to do.
    init(_ profile: Spec.Seccomp) {
        guard profile.defaultAction?.value == .errno else {
            bounds = []
            return
        }
        let named = profile.architectures.map {
            unsafe seccomp_arch_resolve_name($0.value.libraryName)
        }
        // x32 shares its architecture with x86-64 and has numbers of its own: it is left alone.
        let tokens = ([seccomp_arch_native()] + named)
            .filter { $0 != 0 && $0 != UInt32(SCMP_ARCH_X32) }
        var bounds: [Bound] = []
        for token in tokens where !bounds.contains(where: { $0.architecture == token }) {
            let numbers = profile.syscalls.flatMap(\.names).map {
                unsafe seccomp_syscall_resolve_name_arch(token, $0.value)
            }
            // Negative: no call of this architecture.
            if let highest = numbers.max(), highest >= 0 {
                bounds.append(Bound(architecture: token, highest: UInt32(highest)))
            }
        }
        self.bounds = bounds
    }

    /// Instructions to run before the filter; those that decide nothing go on behind the last one.
    var program: [Instruction] {
        if bounds.isEmpty { return [] }
        var code = [Instruction(.load, Instruction.architecture)]
        for bound in bounds {
            code += [
                Instruction(.jumpIfEqual, bound.architecture, onFalse: 5),
                Instruction(.load, Instruction.number),
                Instruction(.jumpIfGreater, NewerCalls.x32Bit - 1, onTrue: 2),
                Instruction(.jumpIfGreater, bound.highest, onFalse: 1),
                Instruction(.return, NewerCalls.noSuchCall),
                // The filter loads what it needs itself: on to its first instruction.
                Instruction(.jump, UInt32(0)),
            ]
        }
        for index in code.indices where code[index].operation == .jump {
            code[index].constant = UInt32(code.count - index - 1)
        }
        return code
    }

    /// `SECCOMP_RET_ERRNO | ENOSYS`.
    private static let noSuchCall: UInt32 = 0x0005_0000 | 38
    /// Set in the numbers of x32, `__X32_SYSCALL_BIT`.
    private static let x32Bit: UInt32 = 0x4000_0000
}

extension Spec.Seccomp.Architecture {
    /// As libseccomp calls it: `x86_64` for `SCMP_ARCH_X86_64`.
    var libraryName: String { rawValue.dropFirst("SCMP_ARCH_".count).lowercased() }
}
