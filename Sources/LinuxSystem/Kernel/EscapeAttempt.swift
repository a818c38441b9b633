internal import CLinux
internal import Glibc
public import SystemPackage

/// Attempts to leave a sandbox, or to reach what a sandbox keeps from a program.
public enum EscapeAttempt {
    public enum Answer: Sendable, Hashable {
        case succeeded
        case refused(Errno)
        /// The process of the attempt was killed for it.
        case killed(CInt)
        /// It has not come to an end.
        case unfinished
    }

    /// How long an attempt may take.
    private static let patience: UInt64 = 5_000_000_000

    /// Makes the attempt `name` on `subject`, in a copy of this process.
    ///
    /// The corresponding C functions are `fork` and those of the attempt.
    public static func make(_ name: String, _ subject: String) throws(Errno) -> Answer {
        let outcome = try ForkedProcess.run(within: patience) {
            let error = unsafe clinux_attempt(name, subject)
            return [UInt8(truncatingIfNeeded: error), UInt8(truncatingIfNeeded: error >> 8)]
        }
        switch outcome {
        case .finished(let bytes) where bytes.count == 2:
            let error = CInt(bytes[0]) | CInt(bytes[1]) << 8
            if error == 0xffff { throw .noFunction }
            return error == 0 ? .succeeded : .refused(Errno(rawValue: error))
        case .ended(.signaled(let signal)): return .killed(signal)
        default: return .unfinished
        }
    }

    /// A socket that listens on the abstract name `name`.
    ///
    /// The corresponding C functions are `bind` and `listen`.
    public static func listen(abstractly name: String) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor.adopt(unsafe clinux_listen_abstract(name))
    }

    /// A socket that listens on a free port of 127.0.0.1.
    ///
    /// The corresponding C functions are `bind` and `listen`.
    public static func listenLocally(_ port: inout Int) throws(Errno) -> OwnedDescriptor {
        var number: CInt = 0
        let socket = try OwnedDescriptor.adopt(unsafe clinux_listen_locally(&number))
        port = Int(number)
        return socket
    }
}
