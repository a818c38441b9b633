internal import CSeccomp
internal import Glibc

/// The number of a system call in an architecture, as a filter sees it.
public struct SystemCallNumber: Hashable, Sendable {
    /// `AUDIT_ARCH_*`
    public var architecture: UInt32
    public var number: UInt32

    public init(_ number: UInt32, on architecture: UInt32 = native) {
        (self.number, self.architecture) = (number, architecture)
    }

    /// Nil for a name that this machine, or libseccomp, does not know.
    public init?(named name: String) {
        let number = unsafe seccomp_syscall_resolve_name(name)
        // Negative: a call of other machines alone.
        guard number >= 0 else { return nil }
        self.init(UInt32(number))
    }

    /// That of this program.
    public static let native = seccomp_arch_native()

    /// As libseccomp has it, nil where it has no name.
    public var name: String? {
        // A program can put any number into the register; libseccomp has negative ones for calls of
        // other machines.
        guard let number = CInt(exactly: number),
            let text = unsafe seccomp_syscall_resolve_num_arch(architecture, number)
        else { return nil }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }

    /// The name, or `call 999`.
    public var words: String { name ?? "call \(number)" }

    /// Those of an architecture that have a name, in the order of their numbers.
    public static func named(on architecture: UInt32 = native) -> [SystemCallNumber] {
        (0..<mostNumbers).map { SystemCallNumber($0, on: architecture) }.filter { $0.name != nil }
    }

    /// No architecture of today has a call with a higher number.
    private static let mostNumbers: UInt32 = 600
}
