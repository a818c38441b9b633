internal import CLinux
internal import Glibc
public import SystemPackage

/// A seccomp filter as the kernel takes it: classic BPF, eight bytes an instruction.
public struct SeccompFilter: Sendable, Hashable {
    /// Whole instructions of eight bytes: code (2), jump true (1), jump false (1), constant (4).
    public var program: [UInt8]
    /// The bits of `SECCOMP_FILTER_FLAG_*`.
    public var flags: UInt32

    public init(program: [UInt8], flags: UInt32) {
        self.program = program
        self.flags = flags
    }

    /// The bit that asks for a descriptor of the notifications. The corresponding C constant is
    /// `SECCOMP_FILTER_FLAG_NEW_LISTENER`.
    public static let newListener: UInt32 = 8

    /// Whether its notifications need a listener.
    public var notifies: Bool { flags & SeccompFilter.newListener != 0 }

    /// Whether it answers some call with the end of the process, or with SIGSYS.
    public var mayKill: Bool {
        for start in stride(from: 0, to: program.count / 8 * 8, by: 8) {
            // BPF_RET with a constant.
            guard program[start] == 0x06, program[start + 1] == 0 else { continue }
            let action = UInt32(program[start + 6]) | UInt32(program[start + 7]) << 8
            // SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD and SECCOMP_RET_TRAP.
            if [0x8000, 0, 3].contains(action) { return true }
        }
        return false
    }

    /// From here on every system call goes through the filter.
    ///
    /// - Returns: Where its notifications are read and answered; nil for one that has none.
    /// - Throws: `Errno.permissionDenied` without `CAP_SYS_ADMIN` and without no-new-privileges.
    ///
    /// The corresponding C function is `seccomp` with `SECCOMP_SET_MODE_FILTER`.
    public func install() throws(Errno) -> OwnedDescriptor? {
        guard program.count % 8 == 0, let count = UInt16(exactly: program.count / 8) else {
            throw .invalidArgument
        }
        let result = unsafe program.withUnsafeBytes {
            unsafe clinux_install_seccomp(flags, $0.baseAddress, count)
        }
        let listener = try check(result)
        return notifies ? OwnedDescriptor(FileDescriptor(rawValue: listener)) : nil
    }

    /// Whether the running kernel knows a bit of `SECCOMP_FILTER_FLAG_*`. Installs nothing.
    public static func kernelTakes(flags: UInt32) -> Bool {
        // How a listener is waited for is refused without one.
        let listener: UInt32 = flags & 32 == 0 ? 0 : 8
        // A program where no memory is: flags that are not known end it before that is looked at.
        let nowhere = unsafe UnsafeRawPointer(bitPattern: 1)
        if unsafe clinux_install_seccomp(flags | listener, nowhere, 1) == 0 { return false }
        return errno == EFAULT || errno == EACCES
    }
}
